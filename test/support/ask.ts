/**
 * Plain requests, each on a connection of its own, by Node's own client.
 */
import { request as send } from 'node:http'
import type { Ask, ServerResponse } from '../../src/reward/protocol.js'

/** What asks the server at an address. It rejects when there is no whole answer. */
export function asking(url: string): Ask {
  return ({ method, path, headers, body }) =>
    new Promise<ServerResponse>((resolve, reject) => {
      const length = body && { 'content-length': String(body.length) }
      const request = send(
        url + path,
        { method, headers: { ...headers, ...length }, agent: false },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode: status = 0 } = response
            const names = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
            resolve({ status, headers: Object.fromEntries(names), body: Buffer.concat(chunks) })
          })
        },
      )
      request.on('error', reject)
      request.end(body)
    })
}

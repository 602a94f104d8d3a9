/**
 * The bytes of a file, as a web server gives them: whole or a range, and gone wrong if that was ordered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Fault, isEarly } from './faults.js'

/** A file as it is to be given. */
export interface Served {
  readonly content: Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** With its quotes. */
  readonly etag?: string
  /** Whether parts of it can be asked for. Default: yes. */
  readonly ranges?: boolean
  /** Whether its length is said beforehand. Default: yes. */
  readonly length?: boolean
}

/** Gives a file. @param fault may strike it */
export function serve(request: IncomingMessage, response: ServerResponse, file: Served, fault?: Fault): void {
  const kind = fault?.rule.kind
  const struck: Served = {
    ...file,
    ...(kind === 'no-ranges' && { ranges: false }),
    ...(typeof kind === 'object' && 'instead' in kind && { content: Buffer.from(kind.instead) }),
  }
  const { content, headers = {}, ranges = true, length = true } = struck
  const etag = typeof kind === 'object' && 'etag' in kind ? (kind.etag ?? undefined) : file.etag
  if (kind === 'no-ranges' || (typeof kind === 'object' && ('instead' in kind || 'etag' in kind))) {
    fault?.strike()()
  }
  const common = {
    'content-type': 'application/octet-stream',
    ...headers,
    ...(etag !== undefined && { etag }),
    ...(ranges && { 'accept-ranges': 'bytes' }),
  }
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
  if (match !== undefined && match !== etag) {
    response.writeHead(412, common).end()
    return
  }
  if (etag !== undefined && noneMatch === etag) {
    response.writeHead(304, common).end()
    return
  }
  const range = ranges ? rangeOf(request, etag, content.length) : undefined
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'content-range': `bytes */${content.length}` }).end()
    return
  }
  const { from, to } = range ?? { from: 0, to: content.length }
  const body = content.subarray(from, to)
  const status = range ? 206 : 200
  const said = {
    ...common,
    ...(range && { 'content-range': `bytes ${from}-${to - 1}/${content.length}` }),
    ...(length && { 'content-length': String(body.length) }),
  }
  if (request.method === 'HEAD') response.writeHead(status, said).end()
  else deliver(response, { status, headers: said, body, from }, fault)
}

/** A request for a range that cannot be read is one for the whole. Of several ranges none is given. */
function rangeOf(
  { headers }: IncomingMessage,
  etag: string | undefined,
  size: number,
): { from: number; to: number } | 'unsatisfiable' | undefined {
  const asked = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '')
  if (!asked || asked[0] === 'bytes=-') return undefined
  if (headers['if-range'] !== undefined && headers['if-range'] !== etag) return undefined
  const [, first, last] = asked
  if (first === '') return { from: Math.max(0, size - Number(last)), to: size }
  const from = Number(first)
  const to = last === '' ? size : Math.min(Number(last) + 1, size)
  return from < to ? { from, to } : 'unsatisfiable'
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** How many bytes of the file stand before the body. */
  readonly from: number
}

function deliver(response: ServerResponse, { status, headers, body, from }: Answer, fault?: Fault): void {
  const kind = fault?.rule.kind
  if (fault && typeof kind === 'object' && !isEarly(kind)) {
    if ('cut' in kind && body.length > kind.cut) {
      const landed = fault.strike()
      response.writeHead(status, headers)
      sendPart(response, body.subarray(0, kind.cut), () => {
        response.destroy()
        landed()
      })
      return
    }
    if ('hold' in kind && body.length > kind.hold) {
      const landed = fault.strike()
      response.writeHead(status, headers)
      sendPart(response, body.subarray(0, kind.hold), () => {
        fault.whenDecided((whole) => {
          if (whole) response.end(body.subarray(kind.hold))
          else response.destroy()
        })
        landed()
      })
      return
    }
    if ('short' in kind && body.length > kind.short) {
      fault.strike()()
      const length = 'content-length' in headers && { 'content-length': String(kind.short) }
      response.writeHead(status, { ...headers, ...length }).end(body.subarray(0, kind.short))
      return
    }
    if ('flip' in kind && kind.flip >= from && kind.flip < from + body.length) {
      fault.strike()()
      const bent = Buffer.from(body)
      bent[kind.flip - from] ^= 1
      response.writeHead(status, headers).end(bent)
      return
    }
  }
  response.writeHead(status, headers).end(body)
}

/** Sends the head and a part of the body, and says when they are on their way. */
function sendPart(response: ServerResponse, part: Buffer, sent: () => void): void {
  response.flushHeaders()
  if (part.length > 0) response.write(part, sent)
  else setImmediate(sent)
}

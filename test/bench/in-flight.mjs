/**
 * A client that keeps 256 single texts in flight, and does nothing else: what the server can do.
 *
 *   node in-flight.mjs URL TEXTS     (TEXTS: a JSON string a line)
 */
import fs from 'node:fs'
import http from 'node:http'

const IN_FLIGHT = 256

const [url, file] = process.argv.slice(2)
const texts = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
const agent = new http.Agent({ keepAlive: true, maxSockets: IN_FLIGHT })

/** @param {string} text */
function requestFor(text) {
  const bytes = Buffer.from(JSON.parse(text))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  const head = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'sentences',
          shape: [1, 1],
          datatype: 'BYTES',
          parameters: { binary_data_size: bytes.length + 4 },
        },
      ],
      outputs: [{ name: 'rewards', parameters: { binary_data: true } }],
    }),
  )
  return { head, body: Buffer.concat([head, length, bytes]) }
}

/** @param {string} text */
function ask(text) {
  const { head, body } = requestFor(text)
  const headers = { 'inference-header-content-length': head.length, 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${url}/v2/models/reward_model/infer`,
      { method: 'POST', agent, headers },
      (response) => {
        response.resume()
        response.on('end', () =>
          response.statusCode === 200 ? resolve(undefined) : reject(response.statusCode),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

let next = 0
async function worker() {
  while (next < texts.length) await ask(texts[next++])
}
await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
agent.destroy()

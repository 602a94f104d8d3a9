/**
 * Ways in which an answer goes wrong.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Answer } from './answer.js'

/** A request for scores, as a fault is chosen by it. */
export interface FaultCase {
  /** How many requests for scores came before it. */
  readonly index: number
  readonly texts: readonly string[]
  readonly headers: IncomingHttpHeaders
}

/**
 * What goes wrong with a request:
 *
 * - `{ status, headers, body }`: it is answered so at once; a body that is no text is written as JSON
 * - `reset`: the connection is reset at once
 * - `hang`: it is never answered
 * - `truncate`: the answer is cut in the middle, and the connection closed
 * - `short-length`: the answer is longer than its `Content-Length`
 * - `not-json`: it is answered 200 with a page of HTML
 * - `nan`: its first score is no number
 * - `{ heads }`: each text has so many scores
 * - `{ trickle }`: the answer comes a byte at a time, with so many milliseconds between them
 * - `{ delay }`: the answer comes so many milliseconds late
 */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'reset'
  | 'hang'
  | 'truncate'
  | 'short-length'
  | 'not-json'
  | 'nan'
  | { readonly heads: number }
  | { readonly trickle: number }
  | { readonly delay: number }

/** Faults that come before any work is done. */
type EarlyFault = Extract<Fault, { status: number } | 'reset' | 'hang'>

export function isEarly(fault: Fault | undefined): fault is EarlyFault {
  return fault === 'reset' || fault === 'hang' || (typeof fault === 'object' && 'status' in fault)
}

/** Deals with a request without scoring it. */
export function failEarly(fault: EarlyFault, response: ServerResponse): void {
  if (fault === 'hang') return
  if (fault === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  const { status, headers, body = { error: `fault ${status}` } } = fault
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  send(response, status, { 'content-type': 'application/json', ...headers }, Buffer.from(text))
}

/** The scores as the fault has them. */
export function bend(fault: Fault | undefined, rows: readonly (readonly number[])[]): readonly number[][] {
  const bent = rows.map((row) => [...row])
  if (fault === 'nan') bent[0][0] = Number.NaN
  return bent
}

/** Sends an answer as the fault has it. */
export function deliver(fault: Fault | undefined, response: ServerResponse, answer: Answer): void {
  const { headers, body } = answer
  if (fault === 'truncate') {
    response.writeHead(200, { ...headers, 'content-length': body.length })
    response.write(body.subarray(0, body.length / 2), () => response.destroy())
  } else if (fault === 'short-length') {
    response.writeHead(200, { ...headers, 'content-length': Math.floor(body.length / 2) }).end(body)
  } else if (fault === 'not-json') {
    send(response, 200, { 'content-type': 'text/html' }, Buffer.from('<html>Sign in</html>'))
  } else if (typeof fault === 'object' && 'trickle' in fault) {
    response.writeHead(200, { ...headers, 'content-length': body.length })
    trickle(response, body, fault.trickle)
  } else if (typeof fault === 'object' && 'delay' in fault) {
    setTimeout(() => send(response, 200, headers, body), fault.delay)
  } else {
    send(response, 200, headers, body)
  }
}

function trickle(response: ServerResponse, body: Buffer, pause: number): void {
  let at = 0
  const timer = setInterval(() => {
    if (at < body.length) response.write(body.subarray(at, ++at))
    else response.end()
  }, pause)
  response.on('close', () => clearInterval(timer))
}

/** Sends an answer whole. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): void {
  response.writeHead(status, { ...headers, 'content-length': body.length }).end(body)
}

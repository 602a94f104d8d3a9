/**
 * What a hub says when it does not give what was asked for.
 */
import type { ServerResponse } from 'node:http'

/** An answer in the place of what was asked for. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The hub's word for it, in `X-Error-Code`. */
    readonly code?: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** Says it as the hub does: JSON where that is spoken, otherwise text. */
export function refuse(response: ServerResponse, { status, message, code, headers }: Refusal, json: boolean) {
  const body = json ? JSON.stringify({ error: message }) : message
  response
    .writeHead(status, {
      'content-type': json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-error-message': message,
      ...(code !== undefined && { 'x-error-code': code }),
      ...headers,
    })
    .end(body)
}

/**
 * What the tests of the protocols share: questions, and asking a stand-in without any of the client's machinery.
 */
import { expect, onTestFinished } from 'vitest'
import {
  type Ask,
  BadAnswer,
  type Contract,
  type Protocol,
  type ProtocolSettings,
  type Question,
  type Scores,
  type ServerRequest,
  type ServerResponse,
} from '../../../src/reward/protocol.js'
import { PROTOCOLS, type ProtocolName } from '../../../src/reward/protocols/index.js'
import { HEADS, type Running, STAND_INS, type StandInOptions } from '../../support/stand-ins/index.js'

export const settings: ProtocolSettings = { model: 'reward_model', heads: HEADS }

/** A question; as messages, the text is what the assistant says. */
export function question(text: string): Question {
  return {
    text: Buffer.from(text),
    messages: () => [
      { role: 'user', content: 'What?' },
      { role: 'assistant', content: text },
    ],
  }
}

/** The request for some texts, with its body as text. */
export function requestFor(protocol: Protocol, ...texts: string[]): unknown {
  const { body, ...rest } = protocol.request(texts.map(question), settings)
  return { ...rest, body: body?.toString() }
}

/** A stand-in that ends with the test, and what asks it. */
export async function started(
  name: ProtocolName,
  options: StandInOptions = {},
): Promise<Running & { ask: Ask }> {
  const running = await STAND_INS[name].start(options)
  onTestFinished(() => running.stop())
  return { ...running, ask: askerOf(running.url, options.key) }
}

/** Asks a server, with a key if there is one. */
export function askerOf(url: string, key?: string): Ask {
  return async ({ method, path, headers, body }: ServerRequest): Promise<ServerResponse> => {
    const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const response = await fetch(url + path, {
      method,
      headers: { ...headers, ...authorization },
      body: body ?? null,
    })
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    }
  }
}

/** An answer of JSON, given as it is spelled or as a value. */
export function answer(value: unknown, status = 200): ServerResponse {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) }
}

/** What a protocol makes of an answer to `count` questions. */
export function reading(name: ProtocolName, value: unknown, count = 1): Scores[] {
  return PROTOCOLS[name].read(answer(value), count, settings)
}

/** Expects that an answer is refused. */
export function expectBad(name: ProtocolName, value: unknown, count = 1): void {
  expect(() => reading(name, value, count)).toThrow(BadAnswer)
}

/** The contract of a server that has these JSON answers, by path, and answers 404 for any other. */
export function contractOf(
  name: ProtocolName,
  answers: Readonly<Record<string, unknown>>,
  own: Partial<ProtocolSettings> = {},
): Promise<Contract> {
  const ask: Ask = async ({ path }) =>
    path in answers ? answer(answers[path]) : answer({ detail: 'Not Found' }, 404)
  return PROTOCOLS[name].contract(ask, { ...settings, ...own })
}

/** A change to a good request, and how the server refuses it. */
export interface Refusal {
  readonly request?: Partial<ServerRequest>
  /** Fields of the body that are put in place of the good ones; undefined leaves a field out. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly status: number
  /** Some of what the body says. */
  readonly says: string
}

/** Sends a good request with a change to a stand-in, and expects that it is refused without a score. */
export async function expectRefusal(name: ProtocolName, refusal: Refusal): Promise<void> {
  const { ask, seen } = await started(name)
  const good = PROTOCOLS[name].request([question('text')], settings)
  const body = JSON.stringify({ ...JSON.parse(String(good.body)), ...refusal.fields })
  const changed = { ...good, body: Buffer.from(body), ...refusal.request }
  const { body: _left, ...bare } = changed
  const response = await ask(changed.method === 'GET' ? bare : changed)
  expect({ status: response.status, body: String(response.body) }).toEqual({
    status: refusal.status,
    body: expect.stringContaining(refusal.says),
  })
  expect(seen.texts).toEqual([])
}

import { setTimeout as sleep } from 'node:timers/promises'
import { SteerpipeError } from '../errors.js'
import { type Endpoint, NoAnswer } from './endpoint.js'
import {
  BadAnswer,
  type Protocol,
  type ProtocolSettings,
  type Question,
  type Scores,
  type ServerResponse,
  WrongServer,
} from './protocol.js'
import { failureName, saidIn, statusVerdict } from './verdict.js'

/** What is needed to see whether an endpoint is what it should be. */
export interface BringUpSettings extends ProtocolSettings {
  readonly protocol: Protocol
}

/** What one request to an endpoint may hold. */
export interface Limits {
  readonly mostTexts: number
  readonly mostBytes: number
}

/** Milliseconds between two looks at an endpoint that is not ready: at first, and at the most. */
const PAUSE = { first: 100, most: 1000 }

/** A short conversation, to see how many scores a server gives. */
const PROBE: Question = {
  text: Buffer.from(
    '<extra_id_0>System\n\n<extra_id_1>User\nHello.\n<extra_id_1>Assistant\nHello! How can I help?\n<extra_id_2>',
  ),
  messages: () => [
    { role: 'user', content: 'Hello.' },
    { role: 'assistant', content: 'Hello! How can I help?' },
  ],
}

/** Not ready yet; the message says why. */
class NotReady extends Error {}

/**
 * Waits until an endpoint is ready, and checks that it is the server that was declared: its names and types, and,
 * by one short text, its scores.
 *
 * @param trouble called with what keeps it from being ready
 * @returns undefined if the signal ended the waiting
 * @throws SteerpipeError SERVER_WRONG, SERVER_DENIED for what no waiting mends
 */
export async function bringUp(
  endpoint: Endpoint,
  settings: BringUpSettings,
  signal: AbortSignal,
  trouble: (text: string) => void,
): Promise<Limits | undefined> {
  for (let pause = PAUSE.first; !signal.aborted; pause = Math.min(pause * 1.5, PAUSE.most)) {
    try {
      // Through the breaker, which closes again when this succeeds.
      return await endpoint.breaker.execute(() => check(endpoint, settings, signal))
    } catch (error) {
      if (error instanceof WrongServer) throw wrongServer(endpoint.address, error)
      if (error instanceof SteerpipeError) throw error
      if (error instanceof NoAnswer)
        trouble(error.timedOut ? 'it did not answer in time' : failureName(error.cause))
      else if (error instanceof NotReady || error instanceof BadAnswer) trouble(error.message)
      else if (!isOpenBreaker(error)) throw error
    }
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
  return undefined
}

/** While the breaker is open, not even this is tried. */
const isOpenBreaker = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'isBrokenCircuitError' in error

async function check(endpoint: Endpoint, settings: BringUpSettings, signal: AbortSignal): Promise<Limits> {
  const { protocol } = settings
  const ask = async (request: Parameters<Endpoint['ask']>[0]) => {
    const response = await endpoint.ask(request, signal)
    if (statusVerdict(response).kind === 'stop') throw denied(endpoint.address, response)
    return response
  }
  for (const request of protocol.ready(settings)) requireOk(await ask(request), request.path)
  const { mostTexts, mostBytes } = await protocol.contract(ask, settings)
  const request = protocol.request([PROBE], settings)
  const response = await ask(request)
  requireOk(response, request.path)
  const [scores] = protocol.read(response, 1, settings)
  checkHeads(scores, settings.heads)
  return {
    mostTexts: mostTexts ?? Number.POSITIVE_INFINITY,
    mostBytes: mostBytes ?? Number.POSITIVE_INFINITY,
  }
}

function requireOk(response: ServerResponse, path: string): void {
  if (response.status === 200) return
  const said = saidIn(response)
  throw new NotReady(`${path} answers ${response.status}${said ? `: ${said}` : ''}`)
}

/** @throws WrongServer when the scores are not those of the attributes */
function checkHeads({ values, names }: Scores, heads: readonly string[]): void {
  const expected = `${heads.length} scores: ${heads.join(', ')}`
  if (names !== undefined) {
    const missing = heads.filter((head) => !names.includes(head))
    if (missing.length > 0) throw new WrongServer(`it gives the scores ${names.join(', ')}`, expected)
  } else if (values.length !== heads.length) {
    throw new WrongServer(
      `it gives ${values.length} score${values.length === 1 ? '' : 's'} for a text`,
      expected,
    )
  }
}

const wrongServer = (address: string, { found, expected }: WrongServer): SteerpipeError =>
  new SteerpipeError('SERVER_WRONG', { found: `the server ${address}: ${found}`, expected })

function denied(address: string, response: ServerResponse): SteerpipeError {
  const said = saidIn(response)
  return new SteerpipeError('SERVER_DENIED', {
    found: `the server ${address} answered ${response.status}${said ? `: ${said}` : ''}`,
  })
}

import { isBrokenCircuitError } from 'cockatiel'
import { SteerpipeError } from '../errors.js'
import { type Endpoint, NoAnswer } from './endpoint.js'
import { pause } from './pause.js'
import {
  BadAnswer,
  type Protocol,
  type ProtocolSettings,
  type Question,
  type Scores,
  type ServerResponse,
  WrongServer,
} from './protocol.js'
import { denied, failureName, faultIn, saidIn, statusVerdict } from './verdict.js'

/** What is needed to see whether an endpoint is what it should be. */
export interface BringUpSettings extends ProtocolSettings {
  readonly protocol: Protocol
}

/** What an endpoint can do. */
export interface Limits {
  readonly mostTexts: number
  readonly mostBytes: number
  /** Milliseconds that one short text took. */
  readonly probeTime: number
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
  for (let wait = PAUSE.first; !signal.aborted; wait = Math.min(wait * 1.5, PAUSE.most)) {
    try {
      // Through the breaker, which closes again when this succeeds.
      return await endpoint.breaker.execute(() => check(endpoint, settings, signal))
    } catch (error) {
      if (error instanceof WrongServer) throw wrongServer(endpoint, error)
      const found = troubleIn(error)
      if (found !== undefined) trouble(endpoint.redacted(found))
      // While the breaker is open, not even this is tried.
      else if (!isBrokenCircuitError(error)) throw error
    }
    await pause(wait, signal)
  }
  return undefined
}

/**
 * Whether an endpoint passes the same check now.
 *
 * @throws SteerpipeError SERVER_WRONG, SERVER_DENIED
 */
export async function isWell(
  endpoint: Endpoint,
  settings: BringUpSettings,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await check(endpoint, settings, signal)
    return true
  } catch (error) {
    if (error instanceof WrongServer) throw wrongServer(endpoint, error)
    if (troubleIn(error) === undefined) throw error
    return false
  }
}

/** What keeps a server from being ready, if that is what an error says. */
export function troubleIn(error: unknown): string | undefined {
  if (error instanceof NoAnswer)
    return error.timedOut ? 'it did not answer in time' : failureName(error.cause)
  return error instanceof NotReady || error instanceof BadAnswer ? error.message : undefined
}

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
  const began = performance.now()
  const response = await ask(request)
  const probeTime = performance.now() - began
  requireOk(response, request.path)
  const [scores] = protocol.read(response, 1, settings)
  checkHeads(scores, settings.heads)
  return {
    mostTexts: mostTexts ?? Number.POSITIVE_INFINITY,
    mostBytes: mostBytes ?? Number.POSITIVE_INFINITY,
    probeTime,
  }
}

function requireOk(response: ServerResponse, path: string): void {
  if (response.status === 200) return
  const said = saidIn(response)
  throw new NotReady(`${path} answers ${response.status}${said ? `: ${said}` : ''}`)
}

/** @throws WrongServer when the scores are not those of the attributes; BadAnswer when they are no numbers */
function checkHeads(scores: Scores, heads: readonly string[]): void {
  const { values, names } = scores
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
  const fault = faultIn(scores, heads)
  if (fault) throw new BadAnswer(`for a probe ${fault.found}`)
}

const wrongServer = (endpoint: Endpoint, { found, expected }: WrongServer): SteerpipeError =>
  new SteerpipeError('SERVER_WRONG', {
    found: endpoint.redacted(`the server ${endpoint.address}: ${found}`),
    expected,
  })

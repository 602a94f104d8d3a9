/**
 * What the protocols of reward servers have in common. A protocol knows how questions are put into a request and how
 * scores are read from its answer; it knows nothing of connections, retries or streams.
 */

/** One message of a conversation, for servers that want messages. */
export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** What is to be scored: a conversation up to and including one turn. */
export interface Question {
  /** The conversation as the model was trained to see it, in UTF-8, with the label token at its end. */
  readonly text: Buffer
  /** The same as messages, without the system prompt's and the label's tokens. Made when asked for. */
  messages(): readonly Message[]
}

/** The scores of one question, in the server's order, and their names if the server gives them. */
export interface Scores {
  readonly values: readonly number[]
  readonly names?: readonly string[] | undefined
}

/** A request, relative to the endpoint's address. */
export interface ServerRequest {
  readonly method: 'GET' | 'POST'
  /** Begins with `/`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** An answer that has arrived whole. */
export interface ServerResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What a protocol is told. */
export interface ProtocolSettings {
  /** The name of the model on the server. */
  readonly model: string
  /** The names of the attributes, in the order in which the server gives scores that it does not name. */
  readonly heads: readonly string[]
}

/** What a server says of itself, as far as a protocol has words for it. */
export interface Contract {
  /** Most texts in a request. */
  readonly mostTexts?: number | undefined
  /** Most bytes in a request. */
  readonly mostBytes?: number | undefined
}

/** An answer that is not what the protocol says: cut short, of another shape. It is worth another try. */
export class BadAnswer extends Error {}

/** A server that is not what was declared, such as one with another output. Another try would find the same. */
export class WrongServer extends Error {
  /** @param expected what was declared */
  constructor(
    readonly found: string,
    readonly expected: string,
  ) {
    super(found)
  }
}

/** Sends a request and waits for the whole answer, whatever its status. */
export type Ask = (request: ServerRequest) => Promise<ServerResponse>

/** How to talk to a kind of reward server. */
export interface Protocol {
  readonly name: string
  /** The server has a template of its own: it is sent the messages, not the text. Default false. */
  readonly asMessages?: boolean
  /** Most texts in one request. */
  readonly mostTexts: number
  /** Most bytes in one request. */
  readonly mostBytes: number
  /** How many texts a request has as long as the server can be kept busy so: 1 where it gathers batches itself. */
  readonly usualTexts: number
  /** Requests that all answer 200 when the server is ready; none where there is no such route. */
  readonly ready: (settings: ProtocolSettings) => readonly ServerRequest[]
  /** What the server says of itself, checked. @throws WrongServer, BadAnswer */
  readonly contract: (ask: Ask, settings: ProtocolSettings) => Promise<Contract>
  readonly request: (questions: readonly Question[], settings: ProtocolSettings) => ServerRequest
  /**
   * The scores of each of `count` questions, from an answer with status 200.
   *
   * @throws BadAnswer
   */
  readonly read: (response: ServerResponse, count: number, settings: ProtocolSettings) => Scores[]
  /** The most texts that a request may have, if the answer to a larger one says so. */
  readonly learnMostTexts?: (response: ServerResponse) => number | undefined
}

/** The JSON of an answer. @throws BadAnswer */
export function jsonOf({ body }: Pick<ServerResponse, 'body'>): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new BadAnswer(`the answer is not legal JSON: ${said}`)
  }
}

/** A JSON object. @throws BadAnswer */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown> // just looked at
  }
  throw new BadAnswer(`${what} is no object`)
}

/** A JSON array, of a known length if there is one. @throws BadAnswer */
export function arrayOf(value: unknown, what: string, length?: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadAnswer(`${what} is no array`)
  if (length !== undefined && value.length !== length)
    throw new BadAnswer(`${what} has ${value.length} entries, not ${length}`)
  return value
}

/**
 * A score. What is no number is refused; a null, which is how JSON spells NaN, becomes NaN, which whoever uses the
 * score refuses.
 *
 * @throws BadAnswer
 */
export function scoreOf(value: unknown, what: string): number {
  if (typeof value === 'number') return value
  if (value === null) return Number.NaN
  throw new BadAnswer(`${what} is no number`)
}

/** A POST of JSON. */
export function postJson(path: string, value: unknown): ServerRequest {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  }
}

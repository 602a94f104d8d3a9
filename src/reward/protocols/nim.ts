import {
  arrayOf,
  BadAnswer,
  type Contract,
  jsonOf,
  objectOf,
  type Protocol,
  postJson,
  type Scores,
  type ServerResponse,
  scoreOf,
} from '../protocol.js'
import { labelled } from './labelled.js'
import { MODELS, requireServed } from './served-models.js'

/**
 * NVIDIA NIM, in one's own house or at integrate.api.nvidia.com, with a reward model: a conversation a call, the
 * scores by name. It has its own template, so it is given messages: first of the user, then in turns.
 *
 * After the documentation of NIM for LLMs 1.2 to 1.13 ("Use Reward Models") and answers of the hosted models. nemotron-4-340b-reward
 * gives the scores as log probabilities of tokens that are the names, and again as the text of the message;
 * llama-3.1-nemotron-70b-reward as the text only.
 */
export const nim: Protocol = {
  name: 'nim',
  asMessages: true,
  mostTexts: 1,
  mostBytes: Number.POSITIVE_INFINITY,
  usualTexts: 1,
  // Not `/v1/health/ready`, which the hosted service does not have.
  ready: () => [{ method: 'GET', path: MODELS }],
  contract: async (ask, { model }): Promise<Contract> => {
    await requireServed(ask, model)
    return {}
  },
  request: ([question], { model }) =>
    postJson('/v1/chat/completions', { model, messages: question.messages() }),
  read,
}

function read(response: ServerResponse): Scores[] {
  const { choices } = objectOf(jsonOf(response), 'the answer')
  const { logprobs, message } = objectOf(arrayOf(choices, '`choices`', 1)[0], '`choices[0]`')
  const tokens =
    logprobs === null || logprobs === undefined ? undefined : objectOf(logprobs, '`logprobs`').content
  if (Array.isArray(tokens) && tokens.length > 0) return [labelled(tokens.map(tokenScore))]
  // The hosted 340B model gives a list of one message.
  const [only] = Array.isArray(message) ? arrayOf(message, '`message`', 1) : [message]
  const { content } = objectOf(only, '`message`')
  if (typeof content !== 'string') throw new BadAnswer('the content of the message is no text')
  return [labelled(content.split(',').map(partScore))]
}

function tokenScore(value: unknown): [string, number] {
  const { token, logprob } = objectOf(value, 'an entry of `logprobs`')
  if (typeof token !== 'string') throw new BadAnswer('a token of `logprobs` is no text')
  return [token, scoreOf(logprob, `the log probability of \`${token}\``)]
}

/** A number as Python prints it. */
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i

/** What Python prints for what is no finite number, and so no score. */
const NO_NUMBER = /^[-+]?(?:nan|inf)$/i

/** A name and a score, such as `helpfulness:0.34`, parted at the last colon. */
function partScore(part: string): [string, number] {
  const colon = part.lastIndexOf(':')
  const name = part.slice(0, Math.max(colon, 0)).trim()
  const score = part.slice(colon + 1).trim()
  if (name !== '' && NUMBER.test(score)) return [name, Number(score)]
  if (name !== '' && NO_NUMBER.test(score)) return [name, Number.NaN]
  throw new BadAnswer(`the message says ${JSON.stringify(part.slice(0, 80))}, not a name and a score`)
}

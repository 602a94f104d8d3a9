import {
  type Ask,
  arrayOf,
  BadAnswer,
  type Contract,
  jsonOf,
  objectOf,
  type Protocol,
  type ProtocolSettings,
  postJson,
  type Scores,
  type ServerResponse,
  scoreOf,
  WrongServer,
} from '../protocol.js'
import { getJson } from './get-json.js'
import { requireServed } from './served-models.js'

/**
 * vLLM's Classification API, for models that it serves with `--runner pooling`: a row of scores for each text, in the
 * order of the model's `id2label`, of which the answer names only the highest.
 *
 * After vLLM's source (`entrypoints/pooling/classify` at 055e47c), which is so since 0.11.1. Neither the number of texts nor the size of a
 * request is limited; it gathers batches itself.
 */
export const vllm: Protocol = {
  name: 'vllm',
  mostTexts: Number.POSITIVE_INFINITY,
  mostBytes: Number.POSITIVE_INFINITY,
  usualTexts: 1,
  ready: () => [{ method: 'GET', path: '/health' }],
  contract,
  request: (questions, { model }) =>
    postJson('/classify', {
      model,
      input: questions.map(({ text }) => text.toString('utf8')),
      // The scores of the regression head, not a softmax or sigmoid of them.
      use_activation: false,
    }),
  read,
}

/** The first version that knows `use_activation`. Older ones pass over it and answer with probabilities. */
const FIRST = [0, 11, 1]

async function contract(ask: Ask, { model }: ProtocolSettings): Promise<Contract> {
  const answer = await getJson(ask, '/version')
  const version = answer === undefined ? undefined : objectOf(answer, 'the version').version
  // A build from a source tree says something like `0.1.dev1+g055e47c`, which tells nothing.
  const numbers =
    typeof version === 'string' ? /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) : undefined
  if (numbers !== undefined && isBefore(numbers, FIRST)) {
    throw new WrongServer(
      `vLLM ${version}, which cannot be asked for scores without an activation function`,
      `vLLM ${FIRST.join('.')} or later`,
    )
  }
  await requireServed(ask, model)
  return {}
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  const at = version.findIndex((number, i) => number !== other[i])
  return at !== -1 && version[at] < other[at]
}

function read(response: ServerResponse, count: number): Scores[] {
  const { data } = objectOf(jsonOf(response), 'the answer')
  return arrayOf(data, '`data`', count).map((entry, i) => {
    const { index, probs } = objectOf(entry, `\`data[${i}]\``)
    if (index !== i) throw new BadAnswer(`\`data[${i}]\` has the index ${index}`)
    return { values: arrayOf(probs, `\`data[${i}].probs\``).map((score) => scoreOf(score, 'a score')) }
  })
}

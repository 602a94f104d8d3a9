import { probabilitiesOf } from './scores.js'
import {
  areTexts,
  isObject,
  jsonIn,
  type Received,
  type Reply,
  type Setting,
  saysJson,
  standIn,
} from './stand-in.js'

const MOST_TEXTS = 32
const MOST_BYTES = 2_000_000
const MOST_TOKENS = 512
/** A text of more characters for each token is refused unread. */
const CHARACTERS_A_TOKEN = 250

/** Text Embeddings Inference with a model of sequence classification. */
export const tei = standIn((request, setting) => {
  const { method, path, body } = request
  if (path === '/health') return method === 'GET' ? health(setting) : { status: 405 }
  if (!setting.allowed) return { status: 401 }
  if (path === '/info') return method === 'GET' ? info(setting) : { status: 405 }
  if (path !== '/predict') return { status: 404 }
  if (method !== 'POST') return { status: 405 }
  if (body.length > MOST_BYTES)
    return { status: 413, body: 'Failed to buffer the request body: length limit exceeded' }
  return predict(request, setting)
})

function health({ ready }: Setting): Reply {
  return ready ? { status: 200 } : error(503, 'unhealthy', 'Unhealthy')
}

function info({ model, heads }: Setting): Reply {
  const id2label = Object.fromEntries(heads.map((name, i) => [String(i), name]))
  const label2id = Object.fromEntries(heads.map((name, i) => [name, i]))
  return {
    status: 200,
    body: {
      model_id: model,
      model_sha: null,
      model_dtype: 'float32',
      model_type: { [heads.length > 1 ? 'classifier' : 'reranker']: { id2label, label2id } },
      max_concurrent_requests: 512,
      max_input_length: MOST_TOKENS,
      max_batch_tokens: 16384,
      max_batch_requests: null,
      max_client_batch_size: MOST_TEXTS,
      auto_truncate: true,
      tokenization_workers: 2,
      version: '1.8.2',
      sha: null,
      docker_label: null,
    },
  }
}

function predict(request: Received, setting: Setting): Reply {
  if (!saysJson(request))
    return { status: 415, body: 'Expected request with `Content-Type: application/json`' }
  const body = jsonIn(request)
  if (body === undefined) return { status: 400, body: 'Failed to parse the request body as JSON: EOF' }
  if (!isObject(body)) return wrongType('invalid type, expected struct PredictRequest')
  const { inputs, raw_scores: raw = false, truncate = null } = body
  if (inputs === undefined) return wrongType('missing field `inputs`')
  if (typeof raw !== 'boolean') return wrongType('raw_scores: invalid type, expected a boolean')
  if (truncate !== null && typeof truncate !== 'boolean')
    return wrongType('truncate: invalid type, expected a boolean')
  const lists = listsOf(inputs)
  if (lists === undefined) {
    return wrongType(
      'inputs: expected a string, a pair of strings [string, string] or a batch of mixed strings and pairs [[string], [string, string], ...]',
    )
  }
  if (lists.length > MOST_TEXTS) {
    return error(413, `batch size ${lists.length} > maximum allowed batch size ${MOST_TEXTS}`, 'Validation')
  }
  // Of a pair, the stand-in scores both as one.
  const texts = lists.map((list) => list.join('\0'))
  const limit = MOST_TOKENS * CHARACTERS_A_TOKEN
  for (const text of texts) {
    if (text === '') return error(413, 'Input validation error: `inputs` cannot be empty', 'Validation')
    const length = [...text].length
    // Without a word on it, this server cuts.
    if (length > limit && truncate === false) {
      const said = `Input validation error: \`inputs\` must have less than ${limit} characters. Given: ${length}`
      return error(413, said, 'Validation')
    }
  }
  const answers = setting.score(texts).map((scores) => {
    const shown = raw ? scores : probabilitiesOf(scores)
    return shown.map((score, i) => ({ score, label: setting.heads[i] })).sort((a, b) => b.score - a.score)
  })
  const batch = Array.isArray(inputs) && Array.isArray(inputs[0])
  return { status: 200, body: batch ? answers : answers[0], headers: { 'x-compute-type': 'cpu' } }
}

/** One list for each input: a text, or a pair. */
function listsOf(inputs: unknown): string[][] | undefined {
  if (typeof inputs === 'string') return [[inputs]]
  if (!Array.isArray(inputs) || inputs.length === 0) return undefined
  if (areTexts(inputs)) return inputs.length <= 2 ? [inputs] : undefined
  const lists = inputs.filter(areTexts).filter(({ length }) => length === 1 || length === 2)
  return lists.length === inputs.length ? lists : undefined
}

function wrongType(said: string): Reply {
  return { status: 422, body: `Failed to deserialize the JSON body into the target type: ${said}` }
}

function error(status: number, said: string, type: string): Reply {
  return { status, body: { error: said, error_type: type } }
}

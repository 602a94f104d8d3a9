import { probabilitiesOf } from './scores.js'
import {
  areTexts,
  isObject,
  jsonIn,
  NO_METHOD,
  NO_PATH,
  type Received,
  type Reply,
  type Setting,
  saysJson,
  standIn,
} from './stand-in.js'

/** vLLM with a model of sequence classification. */
export const vllm = standIn((request, setting) => {
  const { method, path } = request
  if (path === '/health') return method === 'GET' ? { status: setting.ready ? 200 : 503 } : NO_METHOD
  if (!setting.allowed) return { status: 401, body: { error: 'Unauthorized' } }
  if (path === '/version') return method === 'GET' ? { status: 200, body: { version: '0.11.1' } } : NO_METHOD
  if (path === '/v1/models') return method === 'GET' ? models(setting) : NO_METHOD
  if (path === '/classify') return method === 'POST' ? classify(request, setting) : NO_METHOD
  return NO_PATH
})

function models({ model }: Setting): Reply {
  const card = {
    id: model,
    object: 'model',
    owned_by: 'vllm',
    root: model,
    parent: null,
    max_model_len: 4096,
  }
  return { status: 200, body: { object: 'list', data: [card] } }
}

function classify(request: Received, setting: Setting): Reply {
  if (!saysJson(request)) return invalid("Unsupported Media Type: Only 'application/json' is allowed", null)
  const body = jsonIn(request)
  if (body === undefined) return invalid('JSON decode error', 'body')
  if (!isObject(body)) return invalid('Input should be a valid dictionary', 'body')
  const { model = null, input, use_activation: activation = null, normalize } = body
  if (normalize !== undefined)
    return invalid('Parameter `normalize` was removed; use `use_activation` instead.', 'normalize')
  if (model !== null && typeof model !== 'string')
    return invalid('Input should be a valid string', 'body.model')
  if (activation !== null && typeof activation !== 'boolean') {
    return invalid('Input should be a valid boolean', 'body.use_activation')
  }
  const texts = typeof input === 'string' ? [input] : input
  if (!areTexts(texts))
    return invalid(input === undefined ? 'Field required' : 'Input should be a valid list', 'body.input')
  if (model && model !== setting.model) {
    const error = {
      message: `The model \`${model}\` does not exist.`,
      type: 'NotFoundError',
      param: 'model',
      code: 404,
    }
    return { status: 404, body: { error } }
  }
  const data = setting.score(texts).map((scores, index) => {
    const probs = activation === false ? scores : probabilitiesOf(scores)
    const highest = probs.indexOf(Math.max(...probs))
    return { index, label: setting.heads[highest] ?? null, probs, num_classes: probs.length }
  })
  const usage = { prompt_tokens: 1, total_tokens: 1, completion_tokens: 0, prompt_tokens_details: null }
  return {
    status: 200,
    body: { id: 'classify-1', object: 'list', created: 1763900000, model: setting.model, data, usage },
  }
}

function invalid(message: string, param: string | null): Reply {
  const error = { message: `1 validation error:\n  ${message}`, type: 'Bad Request', param, code: 400 }
  return { status: 400, body: { error } }
}

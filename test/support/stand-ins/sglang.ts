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

/** SGLang with a reward model and `--is-embedding`. */
export const sglang = standIn((request, setting) => {
  const { method, path } = request
  if (path === '/health') return method === 'GET' ? { status: setting.ready ? 200 : 503 } : NO_METHOD
  if (!setting.allowed) return { status: 401, body: { error: 'Unauthorized' } }
  // The real one does not listen before its model is loaded.
  if (!setting.ready) return { status: 503 }
  if (path === '/v1/models') return method === 'GET' ? models(setting) : NO_METHOD
  if (path === '/model_info' || path === '/get_model_info')
    return method === 'GET' ? info(setting) : NO_METHOD
  if (path === '/classify')
    return method === 'POST' || method === 'PUT' ? classify(request, setting) : NO_METHOD
  return NO_PATH
})

function models({ model }: Setting): Reply {
  const card = {
    id: model,
    object: 'model',
    created: 1763900000,
    owned_by: 'sglang',
    root: model,
    max_model_len: 4096,
  }
  return { status: 200, body: { object: 'list', data: [card] } }
}

function info({ model }: Setting): Reply {
  return {
    status: 200,
    body: { model_path: model, tokenizer_path: model, is_generation: false, weight_version: 'default' },
  }
}

function classify(request: Received, setting: Setting): Reply {
  const body = saysJson(request) ? jsonIn(request) : undefined
  // It passes over fields that it does not know, such as `model`.
  if (!isObject(body)) return invalid('1 validation error: Input should be a valid dictionary or object')
  const { text = null, input_ids: ids = null } = body
  if ((text === null) === (ids === null)) {
    return { status: 400, body: { error: { message: 'Either text or input_ids should be provided.' } } }
  }
  if (typeof text !== 'string' && !areTexts(text))
    return invalid('1 validation error: Input should be a valid string')
  const answers = setting.score(typeof text === 'string' ? [text] : text).map((embedding, i) => ({
    embedding,
    meta_info: {
      id: `${request.number}-${i}`,
      finish_reason: { type: 'length', length: 0 },
      prompt_tokens: 1,
    },
  }))
  return { status: 200, body: typeof text === 'string' ? answers[0] : answers }
}

function invalid(message: string): Reply {
  return { status: 400, body: { object: 'error', message, type: 'Bad Request', param: null, code: 400 } }
}

import {
  areTexts,
  isObject,
  jsonIn,
  NO_METHOD,
  NO_PATH,
  type Received,
  type Reply,
  type Setting,
  standIn,
} from './stand-in.js'

/** KServe's model server, with a model that answers with a list of scores. */
export const kserveV1 = standIn((request, setting) => {
  const { method, path } = request
  // It knows no keys; the gateway before it does.
  if (!setting.allowed) return { status: 401, body: 'Jwt is missing' }
  if (path === '/v1/models')
    return method === 'GET' ? { status: 200, body: { models: [setting.model] } } : NO_METHOD
  const [, name, verb] = /^\/v1\/models\/([^/:]+)(?::(\w+))?$/.exec(path) ?? []
  if (name === undefined || (verb !== undefined && verb !== 'predict')) return NO_PATH
  if (method !== (verb === undefined ? 'GET' : 'POST')) return NO_METHOD
  const model = decodeURIComponent(name)
  if (model !== setting.model) return error(404, `Model with name ${model} does not exist.`)
  if (!setting.ready) return error(503, `Model with name ${model} is not ready.`)
  return verb === undefined ? { status: 200, body: { name: model, ready: true } } : predict(request, setting)
})

function predict(request: Received, setting: Setting): Reply {
  const body = jsonIn(request)
  if (body === undefined)
    return error(400, 'Unrecognized request format: unexpected end of data: line 1 column 1 (char 0)')
  if (!isObject(body) || body.instances === undefined)
    return error(400, 'Expected key "instances" in request body')
  if (!Array.isArray(body.instances)) return error(400, 'Expected "instances" to be a list')
  if (!areTexts(body.instances)) return error(500, 'ValueError : text input must be of type `str`')
  return { status: 200, body: { predictions: setting.score(body.instances) } }
}

function error(status: number, said: string): Reply {
  return { status, body: { error: said } }
}

import { isObject, jsonIn, type Received, type Reply, type Setting, standIn } from './stand-in.js'

const MOST_BYTES = 64 * 1024 * 1024

/** Triton with SteerLM's reward model, for requests and answers with binary tensors. */
export const kserveV2 = standIn((request, setting) => {
  const { method, path } = request
  if (!setting.allowed) return error(401, 'Unauthorized')
  if (method === 'GET' && path === '/v2/health/ready') return { status: setting.ready ? 200 : 400 }
  const [, name, what] = /^\/v2\/models\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  const model = name === undefined ? undefined : decodeURIComponent(name)
  if (model !== setting.model) return error(404, `Request for unknown model: '${model}' is not found`)
  if (what === 'infer') return method === 'POST' ? infer(request, setting) : { status: 405 }
  if (method !== 'GET') return { status: 405 }
  if (what === 'ready') return { status: setting.ready ? 200 : 400 }
  if (what === 'config') return { status: 200, body: { name: model, max_batch_size: 64 } }
  if (what !== undefined) return { status: 404 }
  return {
    status: 200,
    body: {
      name: model,
      versions: ['1'],
      platform: '',
      inputs: [{ name: 'sentences', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'rewards', datatype: 'FP32', shape: [-1, 1] }],
    },
  }
})

function infer(request: Received, setting: Setting): Reply {
  if (!setting.ready) return error(503, 'Server is not ready')
  const { body, headers } = request
  if (body.length > MOST_BYTES) return error(400, 'request exceeds the maximum size')
  const length = Number(headers['inference-header-content-length'])
  if (!(length <= body.length)) return error(400, 'missing or wrong header Inference-Header-Content-Length')
  const head = jsonIn({ ...request, body: body.subarray(0, length) })
  if (!isObject(head) || !Array.isArray(head.inputs))
    return error(400, 'failed to parse the request JSON buffer')
  const [input] = head.inputs
  if (!isObject(input) || input.name !== 'sentences' || head.inputs.length !== 1) {
    return error(400, "expected 1 inputs, 'sentences'")
  }
  if (input.datatype !== 'BYTES')
    return error(400, `inference input 'sentences' data-type is '${input.datatype}'`)
  const tail = body.subarray(length)
  const size = isObject(input.parameters) ? input.parameters.binary_data_size : undefined
  if (size !== tail.length) return error(400, `unexpected size ${size} for input 'sentences'`)
  const texts = textsIn(tail)
  const shape = Array.isArray(input.shape) ? input.shape : []
  if (texts === undefined || shape.length !== 2 || shape[0] !== texts.length || shape[1] !== 1) {
    return error(400, `unexpected shape [${shape}] for input 'sentences'`)
  }
  if (texts.length > 64)
    return error(400, `inference request batch-size must be <= 64 for '${setting.model}'`)
  const rows = setting.score(texts)
  const values = Buffer.from(Float32Array.from(rows.flat()).buffer)
  const output = {
    name: 'rewards',
    datatype: 'FP32',
    shape: [rows.length, setting.heads.length],
    parameters: { binary_data_size: values.length },
  }
  const answer = Buffer.from(
    JSON.stringify({ model_name: setting.model, model_version: '1', outputs: [output] }),
  )
  return {
    status: 200,
    body: Buffer.concat([answer, values]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(answer.length),
    },
  }
}

/** The elements of a tensor: a length of four bytes, then so many; undefined if they do not come out even. */
function textsIn(tensor: Buffer): string[] | undefined {
  const texts: string[] = []
  let at = 0
  while (at + 4 <= tensor.length) {
    const end = at + 4 + tensor.readUInt32LE(at)
    texts.push(tensor.toString('utf8', at + 4, end))
    at = end
  }
  return at === tensor.length ? texts : undefined
}

function error(status: number, said: string): Reply {
  return { status, body: { error: said } }
}

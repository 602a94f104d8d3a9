import {
  type Ask,
  arrayOf,
  BadAnswer,
  type Contract,
  jsonOf,
  objectOf,
  type Protocol,
  type ProtocolSettings,
  type Question,
  type Scores,
  type ServerRequest,
  type ServerResponse,
  WrongServer,
} from '../protocol.js'

/**
 * KServe v2 over HTTP with binary tensors, as Triton and PyTriton speak it: the protocol of SteerLM's own reward
 * server. One input `sentences` (BYTES, one text a row), one output `rewards` (FP32, a row of scores for each text).
 *
 * After the Open Inference Protocol and Triton's extension for binary tensor data.
 */
export const kserveV2: Protocol = {
  name: 'kserve-v2',
  mostTexts: Number.POSITIVE_INFINITY,
  // Triton refuses requests of more than 64 MiB.
  mostBytes: 60 * 1024 * 1024,
  usualTexts: 1,
  ready: ({ model }) => [
    { method: 'GET', path: '/v2/health/ready' },
    { method: 'GET', path: `/v2/models/${encodeURIComponent(model)}/ready` },
  ],
  contract,
  request,
  read,
  learnMostTexts: ({ status, body }) => {
    const found = status === 400 ? /batch-size must be <= (\d+)/.exec(body.toString('utf8')) : null
    return found === null ? undefined : Number(found[1])
  },
}

const INPUT = 'sentences'
const OUTPUT = 'rewards'

async function contract(ask: Ask, { model }: ProtocolSettings): Promise<Contract> {
  const path = `/v2/models/${encodeURIComponent(model)}`
  const metadata = objectOf(jsonOf(await ask({ method: 'GET', path })), 'the model’s metadata')
  requireTensor(metadata.inputs, 'input', INPUT, 'BYTES', model)
  requireTensor(metadata.outputs, 'output', OUTPUT, 'FP32', model)
  const response = await ask({ method: 'GET', path: `${path}/config` })
  // Triton's own; other servers of this protocol need not have it.
  if (response.status !== 200) return {}
  const { max_batch_size: most } = objectOf(jsonOf(response), 'the model’s configuration')
  return typeof most === 'number' && most > 0 ? { mostTexts: most } : {}
}

function requireTensor(list: unknown, kind: string, name: string, datatype: string, model: string): void {
  const tensors = arrayOf(list, `the model’s list of ${kind}s`).map((entry) => objectOf(entry, `an ${kind}`))
  const found = tensors.find((tensor) => tensor.name === name)
  if (found?.datatype === datatype) return
  const shown = tensors.map((tensor) => `\`${tensor.name}\` (${tensor.datatype})`).join(', ')
  throw new WrongServer(
    `the model \`${model}\` has the ${kind}${tensors.length === 1 ? '' : 's'} ${shown || 'none'}`,
    `the ${kind} \`${name}\` (${datatype})`,
  )
}

function request(questions: readonly Question[], { model }: ProtocolSettings): ServerRequest {
  const size = questions.reduce((sum, { text }) => sum + 4 + text.length, 0)
  const head = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: INPUT,
          shape: [questions.length, 1],
          datatype: 'BYTES',
          parameters: { binary_data_size: size },
        },
      ],
      outputs: [{ name: OUTPUT, parameters: { binary_data: true } }],
    }),
  )
  const body = Buffer.allocUnsafe(head.length + size)
  let at = head.copy(body)
  for (const { text } of questions) {
    at = body.writeUInt32LE(text.length, at)
    at += text.copy(body, at)
  }
  return {
    method: 'POST',
    path: `/v2/models/${encodeURIComponent(model)}/infer`,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
    body,
  }
}

function read(response: ServerResponse, count: number): Scores[] {
  const { headers, body } = response
  const length = headers['inference-header-content-length']
  const headLength = length === undefined ? body.length : Number(length)
  if (!(headLength <= body.length)) throw new BadAnswer(`the answer is shorter than its header says`)
  const head = objectOf(jsonOf({ body: body.subarray(0, headLength) }), 'the answer')
  let at = headLength
  for (const entry of arrayOf(head.outputs, 'the list of outputs')) {
    const output = objectOf(entry, 'an output')
    const parameters = output.parameters === undefined ? {} : objectOf(output.parameters, '`parameters`')
    const size = parameters.binary_data_size
    const bytes = typeof size === 'number' ? body.subarray(at, at + size) : undefined
    if (bytes && bytes.length !== size) throw new BadAnswer('the answer ends within a tensor')
    if (output.name === OUTPUT) return rowsOf(output, bytes, count)
    at += bytes?.length ?? 0
  }
  throw new BadAnswer(`the answer has no output \`${OUTPUT}\``)
}

/** The rows of the output; its own shape counts, since what the configuration says of it is `(1,)`. */
function rowsOf(
  output: Readonly<Record<string, unknown>>,
  bytes: Buffer | undefined,
  count: number,
): Scores[] {
  if (output.datatype !== 'FP32') throw new BadAnswer(`\`${OUTPUT}\` is ${output.datatype}, not FP32`)
  const [rows, width, ...more] = arrayOf(output.shape, 'the shape')
  if (rows !== count || typeof width !== 'number' || more.length > 0) {
    throw new BadAnswer(`\`${OUTPUT}\` has the shape [${output.shape}], not [${count}, scores]`)
  }
  const values = bytes === undefined ? numbersOf(output.data) : floatsOf(bytes)
  if (values.length !== count * width) {
    throw new BadAnswer(`\`${OUTPUT}\` has ${values.length} numbers, not ${count} times ${width}`)
  }
  return Array.from({ length: count }, (_, row) => ({ values: values.slice(row * width, (row + 1) * width) }))
}

function floatsOf(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(i * 4))
}

/** Numbers of an answer in JSON, flat or in rows. */
function numbersOf(data: unknown): number[] {
  return arrayOf(data, 'the data')
    .flat()
    .map((value) => (typeof value === 'number' ? value : Number.NaN))
}

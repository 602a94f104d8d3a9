/**
 * Writes scores as Triton does, as bytes or as JSON.
 */
import type { Asked } from './infer.js'

/** A whole answer. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * The answer to a request.
 *
 * @param rows a row of scores for each text
 */
export function answerOf(
  { id, outputs }: Asked,
  model: string,
  rows: readonly (readonly number[])[],
): Answer {
  const tails: Buffer[] = []
  const described = outputs.map(({ name, binary }) => {
    const tensor = name === 'rewards' ? scoreTensor(rows) : exceededTensor(rows.length)
    const start = `{"name":"${name}","datatype":"${tensor.datatype}","shape":[${tensor.shape}]`
    if (!binary) return `${start},"data":[${tensor.data}]}`
    tails.push(tensor.bytes)
    return `${start},"parameters":{"binary_data_size":${tensor.bytes.length}}}`
  })
  const named = id === undefined ? '' : `"id":${JSON.stringify(id)},`
  const head = Buffer.from(
    `{${named}"model_name":"${model}","model_version":"1","outputs":[${described.join(',')}]}`,
  )
  if (tails.length === 0) return { headers: { 'content-type': 'application/json' }, body: head }
  return {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
    body: Buffer.concat([head, ...tails]),
  }
}

interface Tensor {
  readonly datatype: string
  readonly shape: readonly number[]
  readonly bytes: Buffer
  /** The same in JSON. */
  readonly data: readonly string[]
}

function scoreTensor(rows: readonly (readonly number[])[]): Tensor {
  const values = Float32Array.from(rows.flat())
  return {
    datatype: 'FP32',
    shape: [rows.length, values.length / rows.length],
    bytes: Buffer.from(values.buffer),
    data: Array.from(values, spelled),
  }
}

/** NaN and infinities are spelled bare, which is no JSON. */
function spelled(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** What old servers say of texts that were too long, which they never find. */
function exceededTensor(count: number): Tensor {
  return {
    datatype: 'BOOL',
    shape: [count, 1],
    bytes: Buffer.alloc(count),
    data: Array.from({ length: count }, () => 'false'),
  }
}

/**
 * Reads a request for scores as strictly as Triton 2.51 does: what it refuses is refused with its status and its
 * words. A test compares them.
 */
import { Refusal } from './refusal.js'

/** What is served. */
export interface Served {
  readonly model: string
  readonly outputs: readonly string[]
  /** Texts that a request may have. */
  readonly maxBatch: number
}

/** What is asked for. */
export interface Asked {
  readonly id: string | undefined
  /** One of each row. */
  readonly texts: readonly Buffer[]
  /** The outputs that are wanted, in the server's order, and whether as bytes. */
  readonly outputs: readonly { readonly name: string; readonly binary: boolean }[]
}

const INPUT = 'sentences'
const DATATYPES = /^(BOOL|BYTES|U?INT(8|16|32|64)|FP(16|32|64)|BF16)$/

type JsonObject = Readonly<Record<string, unknown>>

/**
 * The texts of a request, and how they are to be answered.
 *
 * @param header the value of `Inference-Header-Content-Length`
 * @throws Refusal
 */
export function readInfer(body: Buffer, header: string | undefined, served: Served): Asked {
  const length = header === undefined ? body.length : Number.parseInt(header, 10) || 0
  if (length < 0 || length > body.length) {
    throw new Refusal(400, `inference header size should be in range (0, ${body.length}), got: ${length}`)
  }
  if (length === 0) {
    const words = `For BYTE datatype raw input '${INPUT}', the model must have input shape [1]`
    throw new Refusal(400, tagged(undefined, words))
  }
  const head = jsonIn(body.subarray(0, length))
  const id = typeof head.id === 'string' ? head.id : undefined
  const refuse = (message: string) => new Refusal(400, tagged(id, message))
  const inputs = listIn(head, 'inputs')
  if (inputs.length === 0) throw refuse('out of bounds index 0: request has 0 inputs')
  const [first, ...more] = inputs
  const tail = new Tail(body.subarray(length), served.model)
  const input = inputIn(first, tail)
  if (input.name !== INPUT) {
    throw new Refusal(400, `unexpected inference input '${input.name}' for model '${served.model}'`)
  }
  if (more.length > 0) throw refuse(`input '${INPUT}' already exists in request`)
  const outputs = outputsIn(head, served)
  tail.end()
  requireShape(input, served, refuse)
  const elements = requireElements(input, served, refuse)
  const [rows] = input.shape
  const width = elements.length / rows
  return { id, texts: Array.from({ length: rows }, (_, row) => elements[row * width]), outputs }
}

const tagged = (id: string | undefined, message: string) => `[request id: ${id ?? '<id_unknown>'}] ${message}`

/** The tensors behind the JSON. */
class Tail {
  private at = 0

  constructor(
    private readonly bytes: Buffer,
    private readonly model: string,
  ) {}

  take(name: string, size: number): Buffer {
    const missing = size - (this.bytes.length - this.at)
    if (missing > 0) {
      const words = `unexpected size for input '${name}', expecting ${missing} additional bytes for model '${this.model}'`
      throw new Refusal(400, words)
    }
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }

  end(): void {
    if (this.at === this.bytes.length) return
    throw new Refusal(400, `unexpected additional input data for model '${this.model}'`)
  }
}

interface Input {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  /** The bytes of the tensor, or its elements. */
  readonly data: Buffer | readonly string[]
}

function inputIn(value: unknown, tail: Tail): Input {
  const entry = value as JsonObject // what is missing in it is missing in whatever else it is
  const name = textIn(entry, 'name')
  const shape = listIn(entry, 'shape').map((size) => countOf(size, 'shape'))
  const datatype = textIn(entry, 'datatype')
  const size = (entry.parameters as JsonObject | undefined)?.binary_data_size
  if (size !== undefined) {
    return { name, shape, datatype, data: tail.take(name, countOf(size, 'binary_data_size')) }
  }
  if (entry.data === undefined) {
    const fields = `'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'`
    const words = `Input must set only one of the following fields: ${fields}. But no field is set`
    throw new Refusal(400, words)
  }
  const data = listIn(entry, 'data').flat(Number.POSITIVE_INFINITY)
  if (!data.every((element) => typeof element === 'string')) {
    throw new Refusal(500, 'Unable to parse JSON bytes array: attempt to access JSON non-string as string')
  }
  return { name, shape, datatype, data }
}

type Refuse = (message: string) => Refusal

function requireShape({ shape, datatype }: Input, { model, maxBatch }: Served, refuse: Refuse): void {
  if (datatype !== 'BYTES') {
    const found = DATATYPES.test(datatype) ? datatype : '<invalid>'
    throw refuse(`inference input '${INPUT}' data-type is '${found}', but model '${model}' expects 'BYTES'`)
  }
  if (shape[0] > maxBatch) {
    throw refuse(`inference request batch-size must be <= ${maxBatch} for '${model}'`)
  }
  if (shape.length !== 2) {
    throw refuse(
      `unexpected shape for input '${INPUT}' for model '${model}'. Expected [-1,-1], got [${shape}]. NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. See the model configuration docs for more info on max_batch_size.`,
    )
  }
}

/** The elements of the tensor, as many as its shape says. */
function requireElements({ shape, data }: Input, { model }: Served, refuse: Refuse): readonly Buffer[] {
  const expected = Math.max(1, shape[0]) * shape[1]
  const of = `inference input '${INPUT}' for model '${model}'`
  const elements: Buffer[] = []
  let incomplete: Refusal | undefined
  if (Buffer.isBuffer(data)) {
    for (let at = 0; at < data.length; ) {
      const left = data.length - at
      if (left < 4) {
        throw refuse(
          `incomplete string length indicator for ${of}, expecting 4 bytes but only ${left} bytes available. Please make sure the string length indicator is in one buffer.`,
        )
      }
      const length = data.readUInt32LE(at)
      if (length > left - 4) {
        incomplete = new Refusal(
          400,
          `incomplete string data for inference input '${INPUT}', expecting string of length ${length} but only ${left - 4} bytes available`,
        )
      }
      elements.push(data.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
  } else {
    elements.push(...data.map((text) => Buffer.from(text)))
  }
  if (elements.length > expected) {
    throw refuse(`unexpected number of string elements ${expected + 1} for ${of}, expecting ${expected}`)
  }
  if (elements.length < expected) {
    throw refuse(`expected ${expected} string elements for ${of}, got ${elements.length}`)
  }
  if (incomplete) throw incomplete
  return elements
}

function outputsIn(head: JsonObject, { model, outputs }: Served): Asked['outputs'] {
  const usual = (head.parameters as JsonObject | undefined)?.binary_data_output === true
  const wanted = new Map<string, boolean>()
  for (const value of Array.isArray(head.outputs) ? head.outputs : []) {
    const name = textIn(value, 'name')
    if (!outputs.includes(name)) {
      throw new Refusal(400, `unexpected inference output '${name}' for model '${model}'`)
    }
    wanted.set(name, (value.parameters?.binary_data ?? usual) === true)
  }
  return outputs
    .filter((name) => wanted.size === 0 || wanted.has(name))
    .map((name) => ({ name, binary: wanted.get(name) ?? usual }))
}

function jsonIn(bytes: Buffer): JsonObject {
  try {
    return Object(JSON.parse(bytes.toString('utf8'))) // what is missing in it is missing in whatever else it is
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new Refusal(500, `failed to parse the request JSON buffer: ${said}`)
  }
}

function fieldIn(object: JsonObject | null, name: string): unknown {
  const value = object?.[name]
  if (value === undefined) throw unable(name, 'attempt to access non-existing object member', name)
  return value
}

function listIn(object: JsonObject | null, name: string): readonly unknown[] {
  const value = fieldIn(object, name)
  if (!Array.isArray(value)) throw unable(name, 'attempt to access JSON non-array as array')
  return value
}

function textIn(object: JsonObject | null, name: string): string {
  const value = fieldIn(object, name)
  if (typeof value !== 'string') throw unable(name, 'attempt to access JSON non-string as string')
  return value
}

function countOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw unable(name, 'attempt to access JSON non-unsigned-integer as unsigned-integer')
}

function unable(name: string, why: string, member?: string): Refusal {
  return new Refusal(500, `Unable to parse '${name}': ${why}${member === undefined ? '' : ` '${member}'`}`)
}

/**
 * Requests to a Triton with a reward model that takes 8 texts at most: good ones, and ones that it refuses.
 */
import type { ServerRequest } from '../../src/reward/protocol.js'

const MODEL = '/v2/models/reward_model'
const INFER = `${MODEL}/infer`
const BINARY = [{ name: 'rewards', parameters: { binary_data: true } }]

/** Texts as a BYTES tensor. */
function tensor(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    }),
  )
}

const TWO = tensor('héllo', 'a')

const get = (path: string): ServerRequest => ({ method: 'GET', path })

/** A POST of JSON. */
function json(value: unknown, path = INFER): ServerRequest {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  }
}

interface Binary {
  /** Fields of the input in place of the right ones. */
  readonly input?: object
  /** Fields of the request in place of the right ones. */
  readonly request?: object
  readonly tail?: Buffer
  /** The header in place of the right one; null for none. */
  readonly length?: string | null
  readonly path?: string
}

/** A request with a binary tensor, by default a good one with two texts. */
function binary({ input, request, tail = TWO, length, path = INFER }: Binary = {}): ServerRequest {
  const sentences = {
    name: 'sentences',
    shape: [2, 1],
    datatype: 'BYTES',
    parameters: { binary_data_size: tail.length },
    ...input,
  }
  const head = Buffer.from(JSON.stringify({ inputs: [sentences], outputs: BINARY, ...request }))
  const right = String(head.length)
  return {
    method: 'POST',
    path,
    headers: length === null ? {} : { 'inference-header-content-length': length ?? right },
    body: Buffer.concat([head, tail]),
  }
}

/** A request in JSON with other fields of the input than the right ones. */
function inJson(input: object, request: object = {}): ServerRequest {
  return json({ inputs: [{ name: 'sentences', shape: [2, 1], datatype: 'BYTES', ...input }], ...request })
}

/** The right bytes, with another length before the first text. */
function overlong(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt32LE(99)
  return copy
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `text ${i}`)

const sized = (size: unknown) => ({ parameters: { binary_data_size: size } })

/** The requests, by what they are. */
export const REQUESTS: Readonly<Record<string, ServerRequest>> = {
  'is it alive': get('/v2/health/live'),
  'is it ready': get('/v2/health/ready'),
  'the server': get('/v2'),
  'the server, with a slash': get('/v2/'),
  'is the model ready': get(`${MODEL}/ready`),
  'is the model ready, with a query': get(`${MODEL}/ready?x=1`),
  'is the model ready, by its version': get(`${MODEL}/versions/1/ready`),
  'is another version ready': get(`${MODEL}/versions/2/ready`),
  'is another model ready': get('/v2/models/other/ready'),
  'is the model ready, percent-encoded': get('/v2/models/reward%5Fmodel/ready'),
  'the model': get(MODEL),
  'the model by its version': get(`${MODEL}/versions/1`),
  'another version': get(`${MODEL}/versions/2`),
  'another model': get('/v2/models/other'),
  'the configuration of another model': get('/v2/models/other/config'),
  'no path': get('/'),
  'another protocol': get('/v1/models'),
  'an unknown path below the model': get(`${MODEL}/nothing`),
  'a GET for scores': get(INFER),
  'a POST to the model': json({}, MODEL),
  'a POST to the configuration': json({}, `${MODEL}/config`),
  'a POST to a ready path': json({}, '/v2/health/ready'),

  'two texts': binary(),
  'two texts, by version': binary({ path: `${MODEL}/versions/1/infer` }),
  'two texts for another version': binary({ path: `${MODEL}/versions/2/infer` }),
  'two texts for another model': binary({ path: '/v2/models/other/infer' }),
  'two texts, with an id': binary({ request: { id: 'abc' } }),
  'two texts, as another content type': {
    ...binary(),
    headers: { ...binary().headers, 'content-type': 'text/plain' },
  },
  'an empty text': binary({ input: { shape: [1, 1] }, tail: tensor('') }),
  'as many texts as it takes': binary({ input: { shape: [8, 1] }, tail: tensor(...numbered(8)) }),
  'more texts than it takes': binary({ input: { shape: [9, 1] }, tail: tensor(...numbered(9)) }),
  'two texts in one row': binary({ input: { shape: [1, 2] } }),
  'all outputs as bytes': binary({
    request: { outputs: undefined, parameters: { binary_data_output: true } },
  }),
  'no outputs named': binary({ request: { outputs: undefined } }),
  'an empty list of outputs': binary({ request: { outputs: [] } }),
  'an output as JSON': binary({ request: { outputs: [{ name: 'rewards' }] } }),
  'an unknown output': binary({ request: { outputs: [{ name: 'scores' }] } }),
  'two texts in JSON': inJson({ data: ['héllo', 'a'] }),
  'two texts in JSON, in rows': inJson({ data: [['héllo'], ['a']] }),
  'two texts in JSON, for bytes': inJson({ data: ['héllo', 'a'] }, { outputs: BINARY }),
  'too few texts in JSON': inJson({ data: ['a'] }),
  'too many texts in JSON': inJson({ data: ['a', 'b', 'c', 'd'] }),
  'numbers in JSON': inJson({ data: [1, 2] }),
  'no data': inJson({}),

  'an unknown input': binary({ input: { name: 'texts' } }),
  'no inputs': binary({ request: { inputs: undefined }, tail: Buffer.alloc(0) }),
  'an empty list of inputs': binary({ request: { inputs: [] }, tail: Buffer.alloc(0) }),
  'inputs that are no list': json({ inputs: {} }),
  'an input without a name': binary({ input: { name: undefined } }),
  'an input without a shape': binary({ input: { shape: undefined } }),
  'an input without a datatype': binary({ input: { datatype: undefined } }),
  'another datatype': binary({ input: { datatype: 'FP32' }, tail: Buffer.alloc(8) }),
  'an unknown datatype': binary({ input: { datatype: 'STRING' } }),
  'a shape of one': binary({ input: { shape: [2] } }),
  'a shape of three': binary({ input: { shape: [2, 1, 1] } }),
  'a shape of text': binary({ input: { shape: ['2', 1] } }),
  'a negative shape': binary({ input: { shape: [-1, 1] } }),
  'a shape of nothing': binary({ input: { shape: [0, 1] }, tail: Buffer.alloc(0) }),
  'a shape of too many': binary({ input: { shape: [3, 1] } }),
  'a shape of too many, with an id': binary({ input: { shape: [3, 1] }, request: { id: 'abc' } }),
  'a shape of too few': binary({ input: { shape: [1, 1] } }),
  'a size that is too large': binary({ input: sized(TWO.length + 4) }),
  'a size that is too small': binary({ input: sized(TWO.length - 1) }),
  'a size that is text': binary({ input: sized(String(TWO.length)) }),
  'bytes after the tensor': binary({
    input: sized(TWO.length),
    tail: Buffer.concat([TWO, Buffer.alloc(3)]),
  }),
  'a first text that is too long': binary({ tail: overlong(TWO) }),
  'a last text that is too long': binary({ input: { shape: [1, 1] }, tail: overlong(tensor('hello')) }),
  'half a length': binary({ tail: Buffer.concat([tensor('hello'), Buffer.from([1, 0])]) }),
  'no length of the JSON': binary({ length: null }),
  'a length within the JSON': binary({ length: '10' }),
  'a length beyond the end': binary({ length: '100000' }),
  'a negative length': binary({ length: '-1' }),
  'a length that is text': binary({ length: 'ten' }),
  'no JSON': { method: 'POST', path: INFER, body: Buffer.from('nonsense') },
  'a list': json([]),
  'a null': json(null),
  nothing: { method: 'POST', path: INFER, body: Buffer.alloc(0) },
}

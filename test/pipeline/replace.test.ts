import { beforeEach, describe, expect, test } from 'vitest'
import { plannedOutputs } from '../../src/pipeline/outputs.js'
import {
  brief,
  type Given,
  lint,
  lintErrors,
  prepare,
  put,
  refusals,
  rows,
  useWorkFolder,
} from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3), 'other.jsonl': rows(1, 3) }))

/** What a definition reads and writes. */
async function paths(text: string, given: Given): Promise<{ read: string[]; written: string[] }> {
  const { pipeline, inputs } = await prepare(text, given)
  return {
    read: inputs.flatMap(({ sources }) => sources.flatMap(({ files }) => files)),
    written: plannedOutputs(pipeline, inputs).map(({ path }) => path),
  }
}

const TWO =
  'name: x\ninputs: { a: none.jsonl, b: in.jsonl }\nstages: [write: "mid/${input}", write: "${input}"]\n'

describe('another path for an input', () => {
  test.each<[string, string, Record<string, string>, string[]]>([
    ['one of several', TWO, { a: 'other.jsonl' }, ['other.jsonl', 'in.jsonl']],
    [
      'a bare one, which is called `input`',
      'name: x\ninputs: none\nstages: [write: x]\n',
      { input: 'in.jsonl' },
      ['in.jsonl'],
    ],
    ['a list', 'name: x\ninputs: [none, none]\nstages: [write: x]\n', { input: 'in.jsonl' }, ['in.jsonl']],
    [
      'one with stages of its own, which stay',
      'name: x\ninputs: { a: { from: [none], stages: [parse: { group: 3 }] } }\nstages: [write: x]\n',
      { a: 'in.jsonl' },
      ['in.jsonl'],
    ],
    [
      'a name that YAML takes for a number',
      'name: x\ninputs: { 1: none }\nstages: [write: x]\n',
      { 1: 'in.jsonl' },
      ['in.jsonl'],
    ],
  ])('%s', async (_, text, inputs, read) => {
    expect((await paths(text, { inputs })).read).toEqual(read)
    expect((await prepare(text, { inputs })).inputs[0].sources[0].parse?.options.group).toBe(
      text.includes('group') ? 3 : undefined,
    )
  })

  test('its var needs no value', async () => {
    const text = 'name: x\nvars: { in: null }\ninputs: { a: "${in}" }\nstages: [write: x]\n'
    expect(await refusals(text)).toEqual(['2:9 VAR_UNSET the var `in` has no value'])
    expect((await paths(text, { inputs: { a: 'in.jsonl' } })).read).toEqual(['in.jsonl'])
  })

  test('nothing in it is a reference', async () => {
    put({ '${x}${input}.jsonl': rows(1, 1) })
    expect((await paths(TWO, { inputs: { a: '${x}${input}.jsonl' } })).read[0]).toBe('${x}${input}.jsonl')
  })

  test('one that is not there, or that would be overwritten, is told', async () => {
    expect(await lint(TWO, { inputs: { a: 'nowhere' } })).toEqual([
      '2:14 NO_SUCH_INPUT the input nowhere does not exist',
    ])
    put({ 'mid/a': rows(1, 1) })
    expect(await lint(TWO, { inputs: { a: 'mid/a' } })).toEqual([
      '3:17 OUTPUT_CONFLICT the output mid/a is also an input',
    ])
  })

  test('an input of another name is told, with the nearest', async () => {
    const text = TWO.replace('a: none', 'train: none').replace('none.jsonl', 'in.jsonl')
    const [error, ...more] = await lintErrors(text, { inputs: { trian: 'x' } })
    expect(more).toEqual([])
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(
      '`--input trian=…`: the definition has no such input (did you mean `train`?)',
    )
    expect(error.expected).toBe('train, b')
  })
})

describe('another path for the last write', () => {
  const given = (output: string): Given => ({ inputs: { a: 'other.jsonl' }, output })

  test.each<[string, string, string[]]>([
    [TWO, 'new/${input}', ['mid/a', 'new/a', 'mid/b', 'new/b']],
    [TWO.replace('write: "${input}"', 'write: { to: x }'), '${input}', ['mid/a', 'a', 'mid/b', 'b']],
    [TWO.replace('write: "${input}"', 'write'), '${input}', ['mid/a', 'a', 'mid/b', 'b']],
    [TWO, '${other}-${input}', ['mid/a', '${other}-a', 'mid/b', '${other}-b']],
  ])('%s', async (text, output, written) => {
    expect((await paths(text, given(output))).written).toEqual(written)
  })

  test('its var needs no value', async () => {
    const text = 'name: x\nvars: { out: null }\ninputs: in.jsonl\nstages: [write: "${out}/x"]\n'
    expect((await paths(text, { output: 'x' })).written).toEqual(['x'])
  })

  test('it is checked like the definition’s own', async () => {
    expect(await lint(TWO, given('same'))).toEqual([
      '3:40 OUTPUT_CONFLICT the inputs `a` and `b` both write same',
    ])
    expect(await lint(TWO, given('in.jsonl'))).toContain(
      '3:40 OUTPUT_CONFLICT the output in.jsonl is also an input',
    )
    expect(await lint(TWO, given('${part}'))).toEqual([
      '3:33 WIRE_MISFIT no stage before this one puts records into parts, and the path has `${part}` in it',
    ])
  })

  test('without a write there is none', async () => {
    const text = 'name: x\ninputs: { a: { from: in.jsonl, stages: [write: x] } }\nstages: [write: y]\n'
    expect(await lint(text, { output: 'z' })).toEqual([])
    const errors = await lintErrors(text.replace('write: y', 'label-format'), { output: 'z' })
    expect(errors.map(brief)).toEqual([
      '-:- USAGE `--output`: the definition has no `write` for all of its inputs',
      '3:10 DEFINITION_INVALID no `write` comes after this `label-format`: what it makes would not be kept',
    ])
  })
})

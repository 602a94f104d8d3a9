import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DATA_SET_NAMES } from '../../../src/datasets/index.js'
import { chain, columnLines, flatLines, treeLine } from '../../datasets/trees.js'
import { ROOT } from '../../support/paths.js'
import { commands, inspected, lines } from './support.js'

const bare = { prompt: 'p', response: 'r' }
const row = { ...bare, helpfulness: 3 }
const five = { ...row, correctness: 3, coherence: 4, complexity: 2, verbosity: 1 }
const preference = { split: 'train', prompt: 'p', response_1: 'a', response_2: 'b', preference_strength: -2 }
const conversation = (answer: object, said = 'a') => ({
  conversations: [
    { from: 'User', value: 'q', label: null },
    { from: 'Assistant', value: said, ...answer },
  ],
  mask: 'User',
})
const letter = {
  ...{
    name: 'train',
    input: 'x.jsonl',
    line: 2,
    offset: 7,
    stage: 'parse',
    code: 'JSON_SYNTAX',
    message: 'm',
  },
  ...{ tries: 1, raw: 'bad', encoding: 'utf-8', at: {} },
}

describe('the schema that records fit best, and what to do with them', () => {
  test.each<[string, string, RegExp]>([
    [
      'helpsteer2',
      lines(row, bare),
      /^steerpipe template --dataset helpsteer2 in\.jsonl \| steerpipe label-format -o sft\.jsonl$/,
    ],
    ['helpsteer2', lines(five), /template --dataset helpsteer2 /],
    [
      'helpsteer2-preference',
      lines(preference),
      /run pipelines\/helpsteer2-preference\.yaml --input rows=in\.jsonl --set out=/,
    ],
    [
      'oasst',
      `${treeLine(chain(3))}\n${treeLine(chain(2))}\n`,
      /run pipelines\/oasst\.yaml --input trees=in\.jsonl --set out=/,
    ],
    // Messages in rows of their own must not be shuffled, as the recipe does.
    ['oasst', flatLines(chain(3)).join('\n'), /^steerpipe template --dataset oasst in\.jsonl/],
    ['oasst', columnLines(chain(3)).join('\n'), /^steerpipe template --dataset oasst in\.jsonl/],
    [
      'labelled-conversations',
      lines(conversation({ label: 'quality:3' })),
      /run pipelines\/regression\.yaml --set in=in\.jsonl/,
    ],
    [
      'scored-conversations',
      lines(conversation({ scores: { quality: 3 } })),
      /label-format in\.jsonl -o labelled\.jsonl/,
    ],
    ['plain-conversations', lines(conversation({})), /run pipelines\/annotate\.yaml --set in=in\.jsonl/],
    ['samples', lines({ text: 't', label: [1, -100] }), /shuffle in\.jsonl \| steerpipe split/],
    ['dead-letters', lines(letter), /replay in\.jsonl PIPELINE\.yaml/],
    [
      'mapping',
      lines({ question: 'q', answer: 'a', rating: 3 }),
      /--mapping\.prompt question --mapping\.response answer in\.jsonl/,
    ],
  ])('%s', async (name, text, command) => {
    const inspection = await inspected(text)
    expect(inspection.best).toMatchObject({ name, fits: inspection.lookedAt.records, error: undefined })
    expect(commands(inspection)[0]).toMatch(command)
  })

  test('every data set is tried', async () => {
    const { schemas } = await inspected(lines({ x: 1 }))
    const tried = new Set<string>(schemas.map(({ name }) => name))
    for (const name of DATA_SET_NAMES) if (name !== 'conversations') expect(tried).toContain(name)
  })

  test('the name decides between schemas that fit alike', async () => {
    expect((await inspected(lines(five), 'HelpSteer-train.jsonl')).best?.name).toBe('helpsteer')
    expect((await inspected(lines(five), 'HelpSteer2-train.jsonl')).best?.name).toBe('helpsteer2')
    // It does not make fit what does not.
    expect((await inspected(lines(row), 'HelpSteer-one.jsonl')).best?.name).toBe('helpsteer2')
  })

  test('records that do not fit are counted, and the first is told with its place', async () => {
    const { best } = await inspected(lines(row, row, { prompt: 'p' }, { ...row, helpfulness: 'much' }, row))
    expect(best).toMatchObject({ name: 'helpsteer2', fits: 3 })
    expect(best?.error).toMatchObject({ code: 'MISSING_FIELD', place: { line: 3 } })
  })

  test('what a stage notes is told', async () => {
    expect((await inspected(lines(bare, row, bare))).best?.notes).toEqual([['row without scores', 2]])
    const { best } = await inspected(lines(conversation({ label: 'quality:3,politeness:1' })))
    expect(best?.notes).toEqual([['unknown attribute dropped', 1]])
  })

  test('a label that is none is told', async () => {
    const { best } = await inspected(
      lines(conversation({ label: 'quality:3' }), conversation({ label: 'good' })),
    )
    expect(best).toMatchObject({ name: 'labelled-conversations', fits: 1, error: { code: 'BAD_LABEL' } })
  })

  test('pairs are to be kept together', async () => {
    const [first, second, third] = ['a', 'b', 'c'].map((said) => conversation({ label: 'quality:3' }, said))
    const pairs = await inspected(lines(first, second, third, first))
    expect(pairs.next.advice.join()).toContain('--group 2')
    expect(commands(pairs).at(-1)).toContain('regression-expand --group 2')
    const alone = ['a', 'b'].map((value) => ({ conversations: [{ from: 'User', value }], mask: 'User' }))
    for (const text of [lines(first, second, third), lines(first, first), lines(first), lines(...alone)])
      expect((await inspected(text)).next.advice).toEqual([])
  })

  test('none: each says why, and a function is what helps', async () => {
    const inspection = await inspected(lines({ x: 1 }))
    expect(inspection.best).toBeUndefined()
    for (const { fits, error } of inspection.schemas)
      expect([fits, error?.found]).toEqual([0, expect.any(String)])
    expect(commands(inspection)).toEqual(['steerpipe map --module ./my-stage.mjs in.jsonl -o rows.jsonl'])
  })

  test('numbers of rows with other names may be scores', async () => {
    const { next } = await inspected(lines({ question: 'q', answer: 'a', rating: 3, id: 'x' }))
    expect(next.advice.join()).toMatch(/Numbers are in `rating`: `--mapping\.scores/)
  })

  test('a document is read as one by the commands', async () => {
    const inspection = await inspected(JSON.stringify({ 'the rows': [row] }), 'in.json')
    expect(commands(inspection)).toEqual([
      "steerpipe template --dataset helpsteer2 --format json --path 'the rows' in.json | steerpipe label-format -o sft.jsonl",
    ])
  })

  test('a file of a folder that is laid out like the hub’s is the recipe’s source', async () => {
    const { inspect } = await import('../../../src/pipeline/inspect/inspect.js')
    const { next, best } = await inspect('pipelines/quickstart/train.jsonl.gz')
    expect(best?.fits).toBe(48)
    expect(next.commands[0]).toBe(
      'steerpipe run pipelines/helpsteer2.yaml --set source=pipelines/quickstart --set out=data/helpsteer2',
    )
    const bundled = gunzipSync(readFileSync(`${ROOT}/pipelines/quickstart/train.jsonl.gz`))
    // By itself it is not all that the recipe reads.
    expect(commands(await inspected(bundled, 'train.jsonl.gz'))).toHaveLength(1)
  })

  test('an output does not get the name of the input', async () => {
    expect(commands(await inspected(lines(row), 'sft.jsonl'))[0]).toContain('-o new-sft.jsonl')
  })
})

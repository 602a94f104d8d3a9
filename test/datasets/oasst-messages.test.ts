/**
 * oasst: messages in rows of their own, gathered into trees.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Counters, labelFormat, parse, template } from '../../src/index.js'
import { counts, failure, file, linesFrom, linesThrough, objectsThrough } from '../stages/support.js'
import { cutPoints } from '../support/arbitraries.js'
import { chunksOf } from '../support/lines.js'
import { anyTree, conversationLines, flatLines, type Said, said, treeLine } from './trees.js'

const oasst = { dataset: 'oasst' } as const

interface Row {
  readonly message_id?: unknown
  readonly parent_id?: unknown
  readonly message_tree_id?: unknown
  readonly [field: string]: unknown
}

const root = (id: string, more: Row = {}): Row => ({
  message_id: id,
  message_tree_id: id,
  text: `text of ${id}`,
  role: 'prompter',
  ...more,
})
const reply = (id: string, parent: string, tree: string, more: Row = {}): Row => ({
  ...root(id),
  parent_id: parent,
  message_tree_id: tree,
  role: 'assistant',
  ...more,
})
const [a, b, c] = ['a', 'b', 'c'].map((id) => [root(id), reply(`${id}1`, id, id), reply(`${id}2`, id, id)])

/** The last message of each conversation, when the rows go through `parse` and `template`, with bad ones left out. */
async function leaves(
  rows: readonly unknown[],
): Promise<{ last: string[]; counters: Counters; told: unknown[] }> {
  const told: unknown[] = []
  const stage = template(oasst, {
    onError: 'skip',
    onLeftOut: ({ code, place }) => told.push([code, place?.line]),
  })
  const source = Readable.from([file(rows)])
  const lines = await linesFrom(source, parse({}, { onError: 'skip' }), stage, labelFormat())
  const last = lines.map((line) => {
    const { conversations } = JSON.parse(line) as { conversations: { value: string }[] }
    return conversations[conversations.length - 1].value.replace('text of ', '')
  })
  return { last, counters: stage.counters, told }
}

describe('where a tree ends', () => {
  test('a root begins the next one', async () => {
    const { last, counters } = await leaves([...a, ...b, ...c])
    expect(last).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
    expect(counts(counters)).toEqual({ in: 9, out: 6, leftOut: {}, notes: {} })
  })

  test('also when it is the same tree again', async () => {
    expect((await leaves([...a, ...a])).last).toEqual(['a1', 'a2', 'a1', 'a2'])
  })

  test('rows need not name their tree', async () => {
    const unnamed = [...a, ...b].map((row) => ({ ...row, message_tree_id: undefined }))
    expect((await leaves(unnamed)).last).toEqual(['a1', 'a2', 'b1', 'b2'])
    const some = [{ ...a[0], message_tree_id: null }, a[1], { ...a[2], message_tree_id: undefined }]
    expect((await leaves(some)).last).toEqual(['a1', 'a2'])
  })

  test('a parent that is null is none', async () => {
    expect((await leaves([{ ...a[0], parent_id: null }, a[1]])).last).toEqual(['a1'])
  })

  test('a tree between them ends it', async () => {
    const between = treeLine(said('t', 'prompter', [said('t1', 'assistant')]))
    const { last, told } = await leaves([a[0], a[1], between, a[2], ...b])
    expect(last).toEqual(['a1', 't1', 'b1', 'b2'])
    expect(told).toEqual([['BAD_TREE', 4]])
  })
})

test('conversations have the place of their last message', async () => {
  const rows = [a[0], a[1], { ...a[2], labels: { quality: { value: 2 } } }]
  const error = await failure(linesThrough(rows, template(oasst), labelFormat({ range: 'error' })))
  expect(error).toMatchObject({ code: 'OUT_OF_RANGE', stage: 'label-format' })
  expect(error.place).toEqual({ input: 'stream', line: 3, offset: file(rows.slice(0, 2)).length })
})

describe('what makes no tree', () => {
  test.each<[string, Row[], string, RegExp]>([
    [
      'a parent that is not there',
      [...a, reply('x', 'y', 'a')],
      'BAD_TREE',
      /^the parent "y" does not stand before its reply in the tree, in message "x" of tree "a"$/,
    ],
    [
      'a parent in the tree before',
      [...a, reply('x', 'a1', 'b')],
      'BAD_TREE',
      /^the parent "a1" .* in message "x" of tree "b"$/,
    ],
    [
      'a parent that comes later',
      [root('a'), reply('x', 'y', 'a'), reply('y', 'a', 'a')],
      'BAD_TREE',
      /^the parent "y" /,
    ],
    ['its own parent', [root('a'), reply('x', 'x', 'a')], 'BAD_TREE', /^the parent "x" /],
    [
      'an id twice',
      [...a, reply('a1', 'a', 'a')],
      'BAD_TREE',
      /^the id occurs twice in the tree, in message "a1" of tree "a"$/,
    ],
    ['the id of the root again', [...a, reply('a', 'a', 'a')], 'BAD_TREE', /^the id occurs twice/],
    ['a reply first', [reply('x', 'y', 't')], 'BAD_TREE', /^the parent "y" .* of tree "t"$/],
    [
      'a reply without an id',
      [...a, reply('x', 'a', 'a', { message_id: undefined })],
      'MISSING_FIELD',
      /^no `message_id`; the row has/,
    ],
    [
      'an id that is no text',
      [...a, reply('x', 'a', 'a', { message_id: 3 })],
      'WRONG_TYPE',
      /^`message_id` is the number 3$/,
    ],
    [
      'a parent that is no text',
      [...a, reply('x', 'a', 'a', { parent_id: 3 })],
      'WRONG_TYPE',
      /^`parent_id` is the number 3$/,
    ],
    [
      'another role',
      [...a, reply('x', 'a', 'a', { role: 'system' })],
      'BAD_TREE',
      /^the role is "system", in message "x" of tree "a"$/,
    ],
    [
      'a bad label',
      [...a, reply('x', 'a', 'a', { labels: { quality: null } })],
      'WRONG_TYPE',
      /^the label `quality` is null, in message "x" of tree "a"$/,
    ],
  ])('%s', async (_name, rows, code, found) => {
    const error = await failure(linesThrough(rows, template(oasst)))
    expect(error).toMatchObject({ code, stage: 'template' })
    expect(error.found).toMatch(found)
  })

  test('the place is the row’s, and the trees before it are kept', async () => {
    const rows = [...a, b[0], reply('x', 'y', 'b'), b[1]]
    const stage = template(oasst)
    const error = await failure(linesThrough(rows, stage))
    expect(error.place).toEqual({ input: 'stream', line: 5, offset: file(rows.slice(0, 4)).length })
    expect(stage.counters.out).toBe(2)
  })
})

describe('onError: skip', () => {
  test('a bad message takes its whole tree with it, whatever stands in it', async () => {
    const bad = [b[0], b[1], { ...b[2], text: 1 }, reply('b3', 'b', 'b'), reply('b4', 'nobody', 'b')]
    const { last, counters, told } = await leaves([...a, ...bad, ...c])
    expect(last).toEqual(['a1', 'a2', 'c1', 'c2'])
    expect(told).toEqual([['WRONG_TYPE', 6]])
    expect(counts(counters)).toMatchObject({ in: 11, out: 4, leftOut: { WRONG_TYPE: 1, partner: 4 } })
  })

  test('a bad root too', async () => {
    const { last, counters } = await leaves([{ ...a[0], role: null }, a[1], a[2], ...b])
    expect(last).toEqual(['b1', 'b2'])
    expect(counts(counters).leftOut).toEqual({ WRONG_TYPE: 1, partner: 2 })
  })

  test('a line that could not be read may have belonged to the tree before it', async () => {
    const { last, counters, told } = await leaves([...a, ...b, '{"broken', ...c])
    expect(last).toEqual(['a1', 'a2', 'c1', 'c2'])
    expect(told).toEqual([])
    expect(counts(counters)).toMatchObject({ in: 9, out: 4, leftOut: { partner: 3 } })
  })

  test('if it was the root, its replies have no parent', async () => {
    const { last, counters } = await leaves([
      treeLine(said('t', 'prompter', [said('t1', 'assistant')])),
      '{',
      b[1],
      b[2],
      ...c,
    ])
    expect(last).toEqual(['t1', 'c1', 'c2'])
    expect(counts(counters).leftOut).toEqual({ BAD_TREE: 1, partner: 1 })
  })

  test('never a thread that is cut off, wherever lines are damaged and chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...['t0', 't1', 't2', 't3'].map((id) => anyTree(id, 6))),
        fc.array(fc.nat({ max: 23 }), { maxLength: 4 }),
        fc.constantFrom('{"broken', '{"message_id": "x", "parent_id": "y"}'),
        cutPoints,
        async (trees, damaged, damage, cuts) => {
          const rows = trees.flatMap((tree) => flatLines(tree))
          const owners = trees.flatMap((tree: Said) => flatLines(tree).map(() => tree))
          const lost = new Set(damaged.filter((at) => at < rows.length))
          const lines = rows.map((row, at) => (lost.has(at) ? damage : row))
          const skip = { onError: 'skip' } as const
          const source = Readable.from(chunksOf(file(lines), cuts))
          const given = await linesFrom(source, parse({}, skip), template(oasst, skip), labelFormat())
          const whole = trees.filter((tree) => ![...lost].some((at) => owners[at] === tree))
          const possible = whole.flatMap(conversationLines)
          // Each conversation that came out is one of a whole tree, in order.
          let from = 0
          for (const line of given) {
            const at = possible.indexOf(line, from)
            expect(at).toBeGreaterThanOrEqual(0)
            from = at + 1
          }
          // A lost line may cost the tree before it too, but no more than that.
          const safe = whole.filter((tree) => {
            const behind = owners.lastIndexOf(tree) + 1
            return !lost.has(behind)
          })
          expect(given.length).toBeGreaterThanOrEqual(safe.flatMap(conversationLines).length)
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('groups that come in stay whole', async () => {
  const stage = template({ ...oasst, group: 3 })
  const source = Readable.from([file([...a, ...b])]).pipe(parse())
  const units: (readonly number[] | null)[] = []
  for await (const batch of source.pipe(stage).batches()) units.push(batch.unitEnds)
  expect(units).toEqual([[2], [2]])
  expect(await objectsThrough([...a, ...b], template({ ...oasst, group: 2 }))).toHaveLength(4)
})

test('lines of one thread each, when nothing ends the last tree but the input', async () => {
  expect(
    await linesThrough(flatLines(said('t', 'prompter', [said('u', 'assistant')])), template(oasst)),
  ).toHaveLength(1)
})

test.each([null, []])('rows that carry empty `replies` (%j) are messages all the same', async (replies) => {
  const rows = [...a, ...b].map((row) => ({ ...row, replies }))
  expect(await linesThrough(rows, template(oasst), labelFormat())).toEqual(
    await linesThrough([...a, ...b], template(oasst), labelFormat()),
  )
})

/**
 * oasst: the same conversations come out of every form that trees come in, and they are the right ones.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelFormat, parse, template } from '../../src/index.js'
import { file, linesFrom, linesThrough } from '../stages/support.js'
import { cutPoints } from '../support/arbitraries.js'
import { chunksOf } from '../support/lines.js'
import { needsPython, pythonLines } from '../support/python.js'
import {
  anyTrees,
  bareLine,
  chain,
  columnLines,
  conversationLines,
  flatLines,
  ROUNDED,
  type Said,
  said,
  TIMES_FOUR,
  treeLine,
} from './trees.js'

const FORMS: Readonly<Record<string, (root: Said) => string[]>> = {
  trees: (root) => [treeLine(root)],
  'bare trees': (root) => [bareLine(root)],
  messages: (root) => flatLines(root),
  'messages level by level': (root) => flatLines(root, 'breadth'),
  'rows of Parquet files': columnLines,
}

const oasst = () => template({ dataset: 'oasst' })

/** What becomes of lines that arrive in chunks. */
const labelled = (lines: readonly string[], cuts: readonly number[] = []) =>
  linesFrom(Readable.from(chunksOf(file(lines), cuts)), parse(), oasst(), labelFormat())

describe.each(Object.entries(FORMS))('%s', (_name, linesOf) => {
  test('give what the slow way gives, in any chunks', async () => {
    let given = 0
    await fc.assert(
      fc.asyncProperty(anyTrees, cutPoints, async (trees, cuts) => {
        const expected = trees.flatMap(conversationLines)
        given += expected.length
        expect(await labelled(trees.flatMap(linesOf), cuts)).toEqual(expected)
      }),
      { numRuns: 150 },
    )
    expect(given).toBeGreaterThan(500)
  })

  test('a chain of 10,000 is one conversation', async () => {
    const [line, ...more] = await labelled(linesOf(chain(10_000)))
    expect(more).toEqual([])
    const { conversations } = JSON.parse(line) as { conversations: { value: string; label: unknown }[] }
    expect(conversations).toHaveLength(10_000)
    expect(conversations.map(({ value }) => value)).toEqual(
      Array.from({ length: 10_000 }, (_, i) => `text of m${i}`),
    )
    expect(conversations[9999].label).toBe('quality:2')
  })

  test('10,000 replies to one message are 10,000 conversations', async () => {
    const replies = Array.from({ length: 10_000 }, (_, i) => said(`r${i}`, 'assistant'))
    const lines = await labelled(linesOf(said('root', 'prompter', replies)))
    expect(lines).toEqual(replies.flatMap((reply) => conversationLines(said('root', 'prompter', [reply]))))
  })
})

test('the forms may stand in one file', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyTrees,
      fc.infiniteStream(fc.constantFrom(...Object.values(FORMS))),
      async (trees, forms) => {
        const lines = trees.flatMap((root) => {
          const form: (typeof FORMS)[string] = forms.next().value
          return form(root)
        })
        expect(await labelled(lines)).toEqual(trees.flatMap(conversationLines))
      },
    ),
    { numRuns: 60 },
  )
})

test('JSON that is nested to the limit', async () => {
  const depth = 49_000
  const [line] = await labelled([bareLine(chain(depth))])
  expect((JSON.parse(line) as { conversations: unknown[] }).conversations).toHaveLength(depth)
})

test('the conversations of a large tree come in several batches', async () => {
  const replies = Array.from({ length: 400 }, (_, i) => said(`r${i}`, 'assistant'))
  const long = 'x'.repeat(20_000)
  const root = { ...said('root', 'prompter', replies), text: { json: long, value: long } }
  const sizes: number[] = []
  const source = Readable.from([file([treeLine(root)])])
  for await (const { records } of source.pipe(parse()).pipe(oasst()).batches()) sizes.push(records.length)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(400)
  expect(Math.max(...sizes)).toBeLessThan(80)
})

describe('beside Python', () => {
  const SCRIPT = `
def threads(message):
    turn = {"value": message["text"], "from": "User" if message["role"] == "prompter" else "Assistant"}
    if "labels" in message:
        labels = message["labels"]
        names = ["quality", "toxicity", "humor", "creativity"]
        turn["label"] = ",".join(f"{name}:{round(labels[name]['value'] * 4)}" for name in names if name in labels)
    if turn["from"] == "User":
        turn["label"] = None
    below = [thread for reply in message.get("replies") or [] for thread in threads(reply)]
    return [[turn] + thread for thread in below] or [[turn]]

for line in sys.stdin.buffer.read().decode("utf-8").split("\\n")[:-1]:
    for thread in threads(json.loads(line)["prompt"]):
        if len(thread) > 1:
            print(json.dumps(thread))
`

  test('random trees', async (context) => {
    needsPython(context)
    const trees = fc.sample(anyTrees, { numRuns: 150, seed: 1 }).flat()
    const lines = trees.map(treeLine)
    const turns = (line: string) => (JSON.parse(line) as { conversations: unknown }).conversations
    expect((await linesThrough(lines, oasst(), labelFormat())).map(turns)).toEqual(
      pythonLines(SCRIPT, file(lines)).map((line) => JSON.parse(line)),
    )
  })

  test('the tables of scores', (context) => {
    needsPython(context)
    const scores = (script: string, table: object) => {
      const keys = Object.keys(table)
      const lines = pythonLines(`for line in sys.stdin: print(${script})`, `${keys.join('\n')}\n`)
      return Object.fromEntries(keys.map((key, i) => [key, lines[i]]))
    }
    expect(scores('round(json.loads(line) * 4)', ROUNDED)).toEqual(ROUNDED)
    expect(scores('json.loads(line) * 4', TIMES_FOUR)).toEqual(TIMES_FOUR)
  })
})

/**
 * The published recipe's training data, made in two ways: by the recipes one after the other, and by the definition
 * of the README that takes both data sets from their sources. Both against what is put together here by hand.
 */
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { labelled, type Row } from '../cli/data.js'
import { conversationLines, type Said, said, treeLine } from '../datasets/trees.js'
import { ROOT, readText } from '../support/paths.js'
import { SHUFFLED } from '../support/python-random.js'
import { put, run, settings, textOf, useWorkFolder } from './support.js'

useWorkFolder()

const TREES = 16

/** Python's order of them. */
const [, ORDER] = SHUFFLED.find(([seed, list]) => seed === 10 && list.length === TREES) ?? []

/** A tree of a question, as many answers as its number says, and to the last of them another question and answer. */
function tree(n: number): Said {
  const answers = Array.from({ length: 1 + (n % 4) }, (_, i) => said(`t${n} a${i}`, 'assistant'))
  const end = said(`t${n} again`, 'prompter', [said(`t${n} end`, 'assistant')])
  return said(`t${n}`, 'prompter', [...answers, said(`t${n} last`, 'assistant', [end])])
}

const trees = Array.from({ length: TREES }, (_, n) => tree(n))

const row = (n: number): Row => ({
  prompt: `p${n} “quoted” \n`,
  response: `r${n} \\ 🦊`,
  helpfulness: n % 5,
  correctness: (n + 1) % 5,
  coherence: (n + 2) % 5,
  complexity: (n + 3) % 5,
  verbosity: (n + 4) % 5,
})
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, index) => row(from + index))
const [trainRows, valRows] = [rows(0, 50), rows(50, 55)]

const gzipped = (lines: readonly string[]) => gzipSync(lines.map((line) => `${line}\n`).join(''))

beforeEach(() =>
  put({
    'data/oasst1/2023-04-12_oasst_all.trees.jsonl.gz': gzipped(trees.map(treeLine)),
    'data/HelpSteer/train.jsonl.gz': gzipped(trainRows.map((each) => JSON.stringify(each))),
    'data/HelpSteer/validation.jsonl.gz': gzipped(valRows.map((each) => JSON.stringify(each))),
  }),
)

/** The lines of Open Assistant's side, and HelpSteer's behind them. */
function expected(treeNumbers: readonly number[], helpSteer: readonly Row[], times: number): string {
  const lines = treeNumbers.flatMap((n) => conversationLines(trees[n])).map((line) => `${line}\n`)
  return [...lines, ...helpSteer.map(labelled)].flatMap((line) => Array<string>(times).fill(line)).join('')
}

const TRAIN = expected(ORDER?.slice(0, 15) ?? [], trainRows, 4)
const VAL = expected(ORDER?.slice(15) ?? [], valRows, 1)

const recipe = async (name: string, set: Record<string, string>) =>
  runPipeline(await prepareFile(`${ROOT}/pipelines/${name}.yaml`, settings({ set })), {})

/** The definition of that name among the README's examples. */
function fromReadme(name: string): string {
  const examples = [...readText(`${ROOT}/README.md`).matchAll(/^```yaml pipeline\n([\s\S]*?)^```$/gm)]
  const found = examples.map(([, text]) => text).find((text) => text.includes(`\nname: ${name}\n`))
  return found ?? expect.unreachable(`the README has no definition \`${name}\``)
}

describe('train has each line four times, val once', () => {
  test('by the recipes one after the other', async () => {
    await recipe('oasst', { source: 'data/oasst1', out: 'data/oasst' })
    await recipe('helpsteer', { source: 'data/HelpSteer', out: 'data/helpsteer' })
    await recipe('merge', { oasst: 'data/oasst', helpsteer: 'data/helpsteer', out: 'data/merge' })
    expect(textOf('data/merge/train.jsonl')).toBe(TRAIN)
    expect(textOf('data/merge/val.jsonl')).toBe(VAL)
  })

  test('by one definition, straight from the sources', async () => {
    // With the folders that are laid out as the data sets on the hub are.
    const text = fromReadme('merge-from-sources').replaceAll(/hf:\/\/datasets\/\w+\//g, 'data/')
    const report = await run(text)
    expect(textOf('data/merge-from-sources/train.jsonl')).toBe(TRAIN)
    expect(textOf('data/merge-from-sources/val.jsonl')).toBe(VAL)
    expect(report.inputs.map(({ files }) => files[0])).toEqual(
      Array(2).fill('data/oasst1/2023-04-12_oasst_all.trees.jsonl.gz'),
    )
  })
})

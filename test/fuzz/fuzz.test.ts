/**
 * Hostile input: lines and files that were tampered with. The seed and the counts are in the environment; see run.mjs.
 */
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Kind, LINES_A_CASE, makeCase } from './case.js'
import { checkDocument, checkLines } from './check.js'

const { FUZZ_SEED = '6', FUZZ_COUNT = '10000', FUZZ_CASE, FUZZ_AT } = process.env
const SEED = Number(FUZZ_SEED)
const COUNT = Number(FUZZ_COUNT)

/** Longer than any number of cases takes: who waits for more sees how far it is. */
const PATIENCE = 120_000 + COUNT * 100

async function checkCase(kind: Kind, number: number): Promise<void> {
  const made = makeCase(kind, SEED, number)
  try {
    await (kind === 'document' ? checkDocument(made) : checkLines(made))
  } catch (error) {
    const shown = JSON.stringify(made.bytes.toString('latin1').slice(0, 2000))
    const again = `npm run fuzz -- --seed ${SEED} --case ${kind}:${number}`
    throw new Error(`${again}\n${shown}\n${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

async function checkAll(kind: Kind, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    // If a case hangs, run.mjs tells from this which one.
    if (FUZZ_AT !== undefined) writeFileSync(FUZZ_AT, `${kind}:${number}`)
    await checkCase(kind, number)
  }
}

if (FUZZ_CASE !== undefined) {
  const [kind, number] = FUZZ_CASE.split(':')
  // The kind is one that a run has told.
  test(`case ${FUZZ_CASE} of seed ${SEED}`, () => checkCase(kind as Kind, Number(number)), PATIENCE)
} else {
  test(`${COUNT} lines`, () => checkAll('lines', Math.ceil(COUNT / LINES_A_CASE)), PATIENCE)
  test(`${COUNT} files, half of them JSON Lines`, () => checkAll('file', Math.ceil(COUNT / 2)), PATIENCE)
  test(
    `${COUNT} files, half of them JSON documents`,
    () => checkAll('document', Math.ceil(COUNT / 2)),
    PATIENCE,
  )
}

test('a case is the same each time, and another one with another seed', () => {
  const one = makeCase('file', 1, 2).bytes
  expect(makeCase('file', 1, 2).bytes).toEqual(one)
  expect(makeCase('file', 2, 2).bytes).not.toEqual(one)
  expect(makeCase('file', 1, 3).bytes).not.toEqual(one)
})

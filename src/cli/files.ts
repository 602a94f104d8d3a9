import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { SteerpipeError } from '../errors.js'
import { type Checked, refuseExisting } from '../pipeline/check.js'
import { plannedOutputs } from '../pipeline/outputs.js'
import { isFinished, isUnfinished, outputsBefore, tidy } from '../pipeline/remains.js'
import { outputExists } from '../stages/write.js'
import { isSpecial } from '../storage/sink.js'
import { say } from './terminal.js'

/** What a run writes beside its outputs, and what it may replace. */
export interface FilesOfRun {
  readonly force: boolean
  readonly resume: boolean
  /** The pipeline file. */
  readonly definition?: string
  readonly report?: string | undefined
  /** The file of bad records. */
  readonly deadLetters?: string | undefined
}

/**
 * Looks whether a run may write what it would write.
 *
 * @returns whether there is nothing left to do: with `--resume`, where all is there
 * @throws SteerpipeError OUTPUT_CONFLICT, OUTPUT_EXISTS, USAGE
 */
export async function checkFiles(checked: Checked, files: FilesOfRun): Promise<boolean> {
  const { force, resume, definition, report, deadLetters } = files
  const others = [...(definition === undefined ? [] : [definition]), ...filesOf(checked)]
  if (report !== undefined) refuseOverwriting('the report', '--report', report, others)
  if (deadLetters !== undefined) {
    const more = report === undefined ? others : [...others, report]
    refuseOverwriting('the file of bad records', '--on-error dead-letter', deadLetters, more)
  }
  if (resume && !force && isFinished(checked)) {
    await tidy(checked)
    say(
      'finished already: all outputs are there, and nothing is left to go on with (what they were made by is not known any more; `--force` makes them anew)',
    )
    return true
  }
  if (deadLetters !== undefined) {
    const mayBeThere = force || isSpecial(deadLetters) || (resume && isUnfinished(checked))
    if (!mayBeThere && existsSync(deadLetters)) throw outputExists(deadLetters)
  }
  const mayReplace = force || checked.pipeline.overwrite
  if (!mayReplace) refuseExisting(checked, resume ? await outputsBefore(checked) : [])
  return false
}

/** All that a pipeline reads and writes. */
function filesOf({ pipeline, inputs }: Checked): string[] {
  const read = inputs.flatMap(({ sources }) => sources.flatMap(({ files }) => files))
  return [...read, ...plannedOutputs(pipeline, inputs).map(({ path }) => path)]
}

/** @throws SteerpipeError for a file that would be written over something else */
function refuseOverwriting(what: string, flag: string, path: string, others: readonly string[]): void {
  if (path === '-' || path === '') {
    throw new SteerpipeError('USAGE', {
      found: `\`${flag}\` has ${path ? '`-`, which is stdout: that is for data' : 'no path'}`,
      expected: 'a file',
      fix: `Name a file, such as \`${flag}${flag.includes(' ') ? '=bad.jsonl' : ' report.json'}\`.`,
    })
  }
  const other = others.find((each) => each !== '-' && isSame(each, path))
  if (other === undefined) return
  throw new SteerpipeError('OUTPUT_CONFLICT', {
    found: `${what} would overwrite ${other}`,
    place: { input: path },
    fix: 'Give it a name of its own.',
  })
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map((path) => (existsSync(path) ? realpathSync(path) : resolve(path)))
  return first === second && first !== '/dev/null'
}

import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { showReport } from '../observe/report.js'
import { prepareWithoutInputs } from '../pipeline/check.js'
import { Replay, withReplayedNames } from '../pipeline/replay.js'
import { definitionOptions, loadSettings } from './definition-options.js'
import { execute } from './execute.js'
import { checkFiles } from './files.js'
import { errorHandling, maxErrorsOption, onErrorOption, outputPath } from './options.js'
import { EXIT, say } from './terminal.js'

interface Arguments {
  records: string
  file: string
  set: string[]
  allow: string[]
  output: string | undefined
  mergeInto: string | undefined
  force: boolean
  onError: string
  maxErrors: string | undefined
  report: string | undefined
}

/** The flags of `replay`. */
export const replayOptions = {
  ...definitionOptions,
  output: { type: 'string', requiresArg: true, describe: 'another path for the last `write`' },
  'merge-into': {
    type: 'string',
    describe:
      'put what is made of the records back into its place in the outputs of the run; with a path in that one only',
  },
  force: { type: 'boolean', default: false, describe: 'replace what an earlier replay has written' },
  'on-error': onErrorOption,
  'max-errors': maxErrorsOption,
  report: { type: 'string', requiresArg: true, describe: 'write what was done to this file, as JSON' },
} as const

/** `steerpipe replay RECORDS FILE` */
export const replayCommand: CommandModule<object, Arguments> = {
  command: 'replay <records> <file>',
  describe: 'run the records again that a run has set aside',
  builder: (yargs) =>
    yargs
      .positional('records', {
        type: 'string',
        demandOption: true,
        describe: 'what a run with `--on-error dead-letter=FILE` has set aside',
      })
      .positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' })
      .options(replayOptions) as never,
  handler: async (given) => {
    const { records, file, mergeInto, force, report } = given
    const errors = errorHandling(given)
    const isMerging = mergeInto !== undefined
    if (isMerging && given.output !== undefined) {
      throw new SteerpipeError('USAGE', {
        found: '`--output` with `--merge-into`',
        expected: 'one of them',
        fix: 'Leave one out.',
      })
    }
    const settings = {
      ...loadSettings(given.set, given.allow),
      ...(given.output !== undefined && { output: outputPath('--output', given.output, ['input', 'part']) }),
    }
    const checked = await prepareWithoutInputs(file, settings)
    const replay = await Replay.open(records)
    const over = replay.over(isMerging || given.output !== undefined ? checked : withReplayedNames(checked))
    // What is put into an output is to take its place.
    const overwrite = isMerging || over.pipeline.overwrite
    const deadLetters = errors.aside.path
    await checkFiles(
      { ...over, pipeline: { ...over.pipeline, overwrite } },
      { force, resume: false, definition: file, report, deadLetters },
    )
    const merge = isMerging ? replay.merging(over, mergeInto === '' ? undefined : mergeInto) : undefined
    let code: number
    try {
      code = await execute(over, {
        force,
        sync: true,
        errors: { ...errors, aside: { ...errors.aside, triesBefore: (letter) => replay.triesOf(letter) } },
        openOutput: merge?.open,
        report,
        progress: true,
        show: (done) => say(showReport(done)),
      })
      await merge?.commit()
    } catch (error) {
      await merge?.abandon()
      throw error
    }
    process.exitCode = code
    say(summary(replay.size, code === EXIT.leftOut, deadLetters, file))
  },
}

/** How it ended, and what comes next. */
function summary(replayed: number, isRest: boolean, rest: string | undefined, file: string): string {
  if (replayed === 0) return 'nothing was set aside: there is nothing to replay'
  const records = replayed === 1 ? '1 record' : `${replayed} records`
  if (!isRest) return `replayed ${records}: all good now`
  const next =
    rest === undefined ? '' : `\nnext: mend \`raw\` in ${rest}, then \`steerpipe replay ${rest} ${file}\``
  return `replayed ${records}: not all are good yet${next}`
}

import { isatty } from 'node:tty'
import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { countLeftOut, type RunReport, showTold } from '../observe/report.js'
import { CheckFailure, preparePipeline } from '../pipeline/check.js'
import type { Pipeline, StageUse } from '../pipeline/pipeline.js'
import { optionNames, useStage } from '../pipeline/stage-use.js'
import { parseSpec } from '../stages/parse.js'
import type { StageSpec } from '../stages/spec.js'
import { writeSpec } from '../stages/write.js'
import { execute } from './execute.js'
import { checkFiles } from './files.js'
import {
  errorHandling,
  keepingOf,
  keepingOptions,
  maxErrorsOption,
  onErrorOption,
  outputPath,
  syncOption,
  workersOf,
  workersOption,
} from './options.js'
import { givenOptions, stageFlags } from './stage-flags.js'
import { say } from './terminal.js'

/** What a filter is given beside the options of its stages. */
interface FilterArguments {
  /** The name of the command, and what stands behind `--`. */
  _: (string | number)[]
  files: string[]
  out: string
  onError: string
  maxErrors: string | undefined
  force: boolean
  workers: number | undefined
  sync: boolean
  resume: boolean
  checkpointEvery: string
  [option: string]: unknown
}

/** A stage as a filter: from stdin or files, through `parse` and the stage, to stdout or a file. */
export function filterCommand(spec: StageSpec): CommandModule<object, FilterArguments> {
  const [example] = spec.examples
  return {
    command: `${spec.name} [files..]`,
    describe: spec.summary,
    builder: (yargs) =>
      yargs
        .usage(`steerpipe ${spec.name} [files..]\n\n${spec.description}`)
        .positional('files', {
          type: 'string',
          array: true,
          default: [],
          describe: 'files to read; else stdin',
        })
        .options(filterOptions(spec))
        .epilogue(`In a pipeline file:\n  - ${example.yaml.replaceAll('\n', '\n    ')}`) as never,
    handler: (given) => runFilter(spec, given),
  }
}

/** The flags of a stage as a filter. */
export function filterOptions(spec: StageSpec) {
  // Where to is `--out`.
  const { to: _, ...writing } = stageFlags(writeSpec, 'Writing:')
  return {
    ...(spec === parseSpec ? {} : stageFlags(parseSpec, 'Reading:')),
    ...(spec === writeSpec ? {} : stageFlags(spec, `Options of ${spec.name}:`)),
    ...writing,
    out: {
      alias: 'o',
      type: 'string',
      default: '-',
      requiresArg: true,
      describe: 'the file to write; - is stdout; ${part} in it gives each part a file; .gz compresses',
    },
    workers: workersOption,
    sync: syncOption,
    ...keepingOptions,
    'on-error': onErrorOption,
    'max-errors': maxErrorsOption,
    force: { type: 'boolean', default: false, describe: 'replace an output that is there already' },
  } as const
}

async function runFilter(spec: StageSpec, given: FilterArguments): Promise<void> {
  const errors: SteerpipeError[] = []
  const parse = await useFlags(parseSpec, given, errors, spec === parseSpec ? [] : optionNames(spec))
  const own = spec === parseSpec || spec === writeSpec ? [] : [await useFlags(spec, given, errors, [])]
  const to = outputPath('--out', given.out, ['part'])
  const writing = { ...(await givenOptions(writeSpec, given)), to }
  const write = useStage(writeSpec, writing, FROM_FLAGS, errors)
  if (errors.length > 0) throw new CheckFailure(errors)
  const files = filesOf(given)
  // Not by Node's own stdin: asking for it would open a second reader of a pipe.
  if (files.length === 0 && isatty(0)) say('reading records from the terminal; end with ctrl-D')
  const checked = await preparePipeline(filterPipeline(spec.name, files, parse, [...own, write], given.force))
  const handling = errorHandling(given)
  const { force, sync, resume } = given
  if (await checkFiles(checked, { force, resume, deadLetters: handling.aside.path })) return
  process.exitCode = await execute(checked, {
    force,
    sync,
    errors: handling,
    workers: workersOf(given.workers),
    keeping: keepingOf(given),
    // Of filters in a row the first that reads a file tells: they have one terminal between them.
    progress: files.length > 0 && !files.includes('-'),
    show: showWhatMatters,
  })
}

/** The files to read. @throws SteerpipeError USAGE */
function filesOf({ files, _: [, ...others] }: FilterArguments): string[] {
  const all = [...files, ...others.map(String)]
  if (all.includes('')) {
    throw new SteerpipeError('USAGE', { found: 'a file without a name', expected: 'paths, or `-` for stdin' })
  }
  if (all.filter((file) => file === '-').length > 1) {
    throw new SteerpipeError('USAGE', {
      found: '`-` is named twice',
      expected: 'stdin once',
      fix: 'It can be read once only.',
    })
  }
  return all
}

function filterPipeline(
  name: string,
  files: readonly string[],
  parse: StageUse,
  stages: readonly StageUse[],
  overwrite: boolean,
): Pipeline {
  const from = files.length === 0 ? ['-'] : files
  const sources = from.map((file) => ({ from: file, place: undefined, parse: undefined, stages: [] }))
  return { name, description: '', inputs: [{ name: 'input', sources, stages: [] }], parse, stages, overwrite }
}

/** Flags have no places, and all are texts. */
const FROM_FLAGS = {
  place: undefined,
  placeOf: () => undefined,
  placeIn: () => undefined,
  isText: () => true,
}

/** A stage with the options that flags give. @param except names that belong to another stage */
async function useFlags(
  spec: StageSpec,
  given: FilterArguments,
  errors: SteerpipeError[],
  except: readonly string[],
): Promise<StageUse> {
  const options = await givenOptions(spec, given)
  for (const name of except) delete options[name]
  return useStage(spec, options, FROM_FLAGS, errors)
}

/** A filter says nothing when all records went through; what was dropped, left out or passed on with a doubt is told. */
function showWhatMatters(report: RunReport): void {
  for (const line of [
    ...showTold(report, 'dropped', 'dropped'),
    ...showTold(report, 'leftOut', 'left out'),
    ...showTold(report, 'notes', 'note'),
  ])
    say(line)
  if (countLeftOut(report) > 0) say(`left out in all: ${countLeftOut(report)}`)
}

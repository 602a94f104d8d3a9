import { availableParallelism } from 'node:os'
import { SteerpipeError } from '../errors.js'
import type { RunSettings } from '../pipeline/run.js'
import type { Keeping } from '../pipeline/session.js'
import type { AsideSettings, MaxErrors } from '../pipeline/set-aside.js'
import type { OnError } from '../stages/policy.js'
import { durationOption } from '../stages/spec.js'
import { suggestion } from '../suggest.js'

/** `--on-error`, of everything that runs. */
export const onErrorOption = {
  type: 'string' as const,
  default: 'stop',
  requiresArg: true,
  describe:
    'a bad record: `stop` ends the run; `skip` counts it and leaves it out (exit code 3); `dead-letter=FILE` does that and sets it aside in FILE, for `replay`',
}

/** `--max-errors`, likewise. */
export const maxErrorsOption = {
  type: 'string' as const,
  requiresArg: true,
  describe: 'with `skip` and `dead-letter`: end the run at more bad records than this, such as 100 or 1%',
}

/** `--workers`, of everything that runs. */
export const workersOption = {
  type: 'number' as const,
  requiresArg: true,
  defaultDescription: 'one for each processor, if there is much to read',
  describe:
    'threads that records go through at a time, the main one among them; 0 for no regions and no threads. The output is the same',
}

/** What a run is told of threads. */
export type WorkerSettings = Pick<RunSettings, 'workers' | 'workersFrom' | 'streamWorkers'>

/** How many threads that says, and for how much. @throws SteerpipeError USAGE */
export function workersOf(workers: number | undefined): WorkerSettings {
  if (workers === undefined) {
    const processors = availableParallelism()
    // Unpacking, and the main thread, keep two of them busy.
    return { workers: processors, streamWorkers: Math.max(0, processors - 2) }
  }
  if (Number.isInteger(workers) && workers >= 0 && workers <= MOST_WORKERS) return { workers, workersFrom: 0 }
  throw new SteerpipeError('USAGE', {
    found: `\`--workers ${workers}\``,
    expected: `a whole number from 0 to ${MOST_WORKERS}`,
    fix: 'Leave it out for as many as there are processors.',
  })
}

const MOST_WORKERS = 256

/** `--sync`, of everything that runs. */
export const syncOption = {
  type: 'boolean' as const,
  default: true,
  describe: 'wait until the disk has the outputs before they get their names; `--no-sync` does not wait',
}

/** How a run is kept, so that it can be gone on with. */
export const keepingOptions = {
  resume: {
    type: 'boolean' as const,
    default: false,
    describe: 'go on where an earlier run of the same command was stopped',
  },
  'checkpoint-every': {
    type: 'string' as const,
    default: '30s',
    requiresArg: true,
    describe: 'how often it is put on record how far the run has come; `off` for never',
  },
}

/** What these flags say; undefined for a run that is not kept. @throws SteerpipeError USAGE */
export function keepingOf(given: {
  readonly resume: boolean
  readonly checkpointEvery: string
}): Pick<Keeping, 'resume' | 'every'> | undefined {
  const { resume, checkpointEvery } = given
  if (checkpointEvery === 'off' && !resume) return undefined
  const result = durationOption.safeParse(checkpointEvery)
  if (result.success) return { resume, every: result.data }
  throw new SteerpipeError('USAGE', {
    found: `\`--checkpoint-every ${checkpointEvery}\`${checkpointEvery === 'off' ? ' with `--resume`' : ''}`,
    expected: 'a length of time, such as `30s` or `5m`',
    fix: 'Write it like that.',
  })
}

/** What becomes of bad records. */
export interface ErrorHandling {
  readonly onError: OnError
  readonly aside: AsideSettings
}

/** What `--on-error` and `--max-errors` say. @throws SteerpipeError USAGE */
export function errorHandling(given: {
  readonly onError: string
  readonly maxErrors?: string | undefined
}): ErrorHandling {
  const { onError } = given
  const maxErrors = given.maxErrors === undefined ? undefined : mostErrors(given.maxErrors)
  if (onError === 'stop' && maxErrors !== undefined) {
    throw new SteerpipeError('USAGE', {
      found: '`--max-errors` without `--on-error skip` or `--on-error dead-letter=FILE`',
      expected: 'bad records to be left out, so that there can be several',
      fix: 'Add one of them: as it is, the first bad record ends the run.',
    })
  }
  if (onError === 'stop' || onError === 'skip') return { onError, aside: { maxErrors } }
  const path = /^dead-letter=(.+)$/.exec(onError)?.[1]
  if (path === undefined || path === '-') {
    throw new SteerpipeError('USAGE', {
      found: `\`--on-error\` cannot be \`${onError}\`${suggestion(onError, ['stop', 'skip', 'dead-letter=FILE'])}`,
      expected: '`stop`, `skip`, or `dead-letter=FILE`',
      fix: path === '-' ? 'Name a file: stdout is for data.' : 'Write one of them.',
    })
  }
  return { onError: 'skip', aside: { path, maxErrors } }
}

function mostErrors(text: string): MaxErrors {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? []
  const count = Number(number)
  if (percent === '%' && count <= 100) return { percent: count }
  if (percent === '' && Number.isInteger(count)) return { count }
  throw new SteerpipeError('USAGE', {
    found: `\`--max-errors ${text}\``,
    expected: 'a whole number, or a percentage such as `1%`',
  })
}

/**
 * A path for an output that a flag gives. In a definition a wrong name in `${…}` is found when it is read; flags
 * are checked here, so that no file is called `${aprt}.jsonl`.
 *
 * @param known what may stand in `${…}` there
 * @throws SteerpipeError USAGE
 */
export function outputPath(flag: string, path: string, known: readonly string[]): string {
  const names = [...path.matchAll(/\$\{([^}]*)\}/g)].map(([, name]) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (path === '' || unknown !== undefined) {
    throw new SteerpipeError('USAGE', {
      found: path === '' ? `\`${flag}\` has no path` : `\`\${${unknown}}\` is not known in \`${flag}\``,
      expected: `a path, with nothing but ${known.map((name) => `\`\${${name}}\``).join(' or ')} to be filled in`,
      fix: 'Write the path out.',
    })
  }
  return path
}

/** Refuses flags that take one value and were given several. @throws SteerpipeError USAGE */
export function refuseRepeats(given: Readonly<Record<string, unknown>>, lists: readonly string[]): true {
  for (const [name, value] of Object.entries(given)) {
    // A switch that is given twice says the same twice.
    if (!Array.isArray(value) || lists.includes(name) || value.every((item) => item === true)) continue
    throw new SteerpipeError('USAGE', {
      found: `\`${flagOf(name)}\` is given ${value.length} times: ${value.map((item) => `\`${item}\``).join(', ')}`,
      expected: 'one value',
      fix: 'Leave out all but one.',
    })
  }
  return true
}

/** A flag as it is typed: `-o`, `--out`. */
export const flagOf = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`)

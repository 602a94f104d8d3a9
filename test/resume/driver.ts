/** Runs definitions by the real command, ends them with SIGKILL at a moment that a seed draws, and goes on with them. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { COMMAND } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import type { Seeded } from '../support/seeded.js'
import { type Definition, MODULES, yamlOf } from './definitions.js'

const SLOW_MOTION = pathToFileURL(join(ROOT, 'test/support/slow-motion.mjs')).href

/** Longer than any of these runs takes on a slow machine. */
const PATIENCE = 60_000

/** How a process ended. */
export interface Ending {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** Where a run was when it was killed: before its first checkpoint, behind one in an input, or behind an input. */
export type Moment = 'before' | 'middle' | 'end'

/** When a run is killed. */
export type When =
  | { readonly after: number }
  /** Bytes that were written, as a share of those that are left to be written. */
  | { readonly share: number; readonly of: number }
  | { readonly checkpoints: number }
  | { readonly published: true }

/** Where tests take place. */
export interface Place {
  /** The inputs. */
  readonly data: string
  /** The address of the reward server. */
  readonly server: string
  /** A folder for working folders. */
  readonly folder: string
  /** Milliseconds between two checkpoints. */
  readonly every: number
  /** Milliseconds that a run sleeps at each turn of its event loop. */
  readonly nap: number
}

/** What a run has left behind. */
export interface Outcome {
  readonly status: number | null
  /** The files below `out`, by their names. */
  readonly files: ReadonlyMap<string, Buffer>
  /** The counts of `--report`; undefined where there is none. */
  readonly report: unknown
}

/** What a run that was never stopped makes. */
export interface Whole extends Outcome {
  readonly milliseconds: number
  readonly bytes: number
}

/** Some runs at a time: most of a run in slow motion is sleep. */
const slots = { free: 2 * availableParallelism(), waiting: [] as (() => void)[] }

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (slots.free > 0) slots.free--
  else await new Promise<void>((resolve) => slots.waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = slots.waiting.shift()
    if (next) next()
    else slots.free++
  }
}

/** Threads of one start after the other: what one of them leaves another goes on with. */
const WORKERS = [0, 2, 1]

let workplaces = 0

/** A working folder with a definition in it, as often as it is run. */
export class Workplace {
  readonly cwd: string
  readonly out: string
  private readonly file: string
  private starts = workplaces++

  constructor(
    readonly definition: Definition,
    private readonly place: Place,
  ) {
    this.cwd = mkdtempSync(join(place.folder, 'run-'))
    this.out = join(this.cwd, 'out')
    mkdirSync(this.out)
    if (definition.recipe === undefined) {
      this.file = 'x.yaml'
      writeFileSync(join(this.cwd, this.file), this.filled(yamlOf(definition)))
      for (const [name, text] of Object.entries(MODULES)) writeFileSync(join(this.cwd, name), text)
    } else this.file = join(ROOT, 'pipelines', `${definition.recipe}.yaml`)
  }

  private filled(text: string): string {
    return text.replaceAll('DATA', this.place.data).replaceAll('SERVER', this.place.server)
  }

  /** Starts the command. */
  start(resume: boolean): { process: ChildProcess; ended: Promise<Ending> } {
    const { args = [] } = this.definition
    const child = spawn(
      process.execPath,
      [
        ...['--import', SLOW_MOTION, ...COMMAND, 'run', this.file],
        ...args.map((arg) => this.filled(arg)),
        ...['--checkpoint-every', `${this.place.every}ms`, '--report', 'report.json'],
        ...['--workers', `${WORKERS[this.starts++ % WORKERS.length]}`],
        ...(resume ? ['--resume'] : []),
      ],
      {
        cwd: this.cwd,
        env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', SLOW_MOTION: String(this.place.nap) },
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: PATIENCE,
      },
    )
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = new Promise<Ending>((resolve) => {
      child.on('close', (status, signal) => resolve({ status, signal, stderr }))
    })
    return { process: child, ended }
  }

  /** Runs to the end. */
  run(resume: boolean): Promise<Ending> {
    return inTurn(() => this.start(resume).ended)
  }

  /** Runs until the moment has come, and kills. Undefined if the run was faster. */
  runAndKill(resume: boolean, when: When): Promise<Moment | undefined> {
    return inTurn(async () => {
      const before = this.checkpoint()
      const { process: child, ended } = this.start(resume)
      const started = performance.now()
      const isOver = () => child.exitCode !== null || child.signalCode !== null
      const written = this.bytes()
      const published = this.published()
      let seen = before
      let count = 0
      const isTime = (): boolean => {
        if ('after' in when) return performance.now() - started >= when.after
        if ('share' in when) return this.bytes() > written + when.share * Math.max(0, when.of - written)
        if ('published' in when) return this.published() > published
        const now = this.checkpoint()
        if (now !== seen) count++
        seen = now
        return count >= when.checkpoints
      }
      while (!isOver() && !isTime()) await pause(1)
      child.kill('SIGKILL')
      const { status, signal, stderr } = await ended
      if (signal === 'SIGKILL') return this.moment()
      if (status !== 0 && status !== 3) throw new Error(`it ended by itself with ${status}: ${stderr}`)
      return undefined
    })
  }

  private names(): string[] {
    return readdirSync(this.out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.out, join(entry.parentPath, entry.name)))
      .sort()
  }

  /** Which checkpoint there is, told apart from others by its inode and time; undefined if there is none. */
  private checkpoint(): string | undefined {
    const path = this.checkpointPath()
    const found = path && statSync(path, { throwIfNoEntry: false })
    return found ? `${found.ino} ${found.mtimeMs}` : undefined
  }

  checkpointPath(): string | undefined {
    const name = this.names().find((each) => each.endsWith('.checkpoint'))
    return name === undefined ? undefined : join(this.out, name)
  }

  /** Bytes of all outputs. */
  private bytes(): number {
    return this.names()
      .filter((name) => name.endsWith('.partial') || isFinal(name))
      .reduce((sum, name) => sum + (statSync(join(this.out, name), { throwIfNoEntry: false })?.size ?? 0), 0)
  }

  /** Outputs that have their final names. */
  private published(): number {
    return this.names().filter(isFinal).length
  }

  private moment(): Moment {
    const path = this.checkpointPath()
    if (path !== undefined && isReading(readFileSync(path, 'utf8'))) return 'middle'
    return path === undefined && this.published() === 0 ? 'before' : 'end'
  }

  /** What there is now. */
  outcome({ status }: Ending): Outcome {
    const files = new Map(this.names().map((name) => [name, readFileSync(join(this.out, name))]))
    const path = join(this.cwd, 'report.json')
    return { status, files, report: existsSync(path) ? countsOf(readFileSync(path, 'utf8')) : undefined }
  }

  /**
   * What a failing power supply does to a killed run beside: nothing that the checkpoint does not vouch for need be
   * there as it was written. It is gone, or other bytes stand there.
   */
  loseUnsynced(random: Seeded): void {
    const path = this.checkpointPath()
    const good = path === undefined ? new Map<string, number>() : durableBytes(readFileSync(path, 'utf8'))
    for (const name of this.names()) {
      if (!name.endsWith('.partial')) continue
      const bytes = good.get(join('out', name.slice(0, -'.partial'.length)))
      const partial = join(this.out, name)
      const { size } = statSync(partial)
      // One that is whole, and only waits for its name.
      if (bytes === undefined && path !== undefined && !isReading(readFileSync(path, 'utf8'))) continue
      const from = bytes ?? 0
      if (from >= size) continue
      if (random.below(2) === 0) truncateSync(partial, from)
      else {
        const whole = readFileSync(partial)
        whole.fill(random.below(2) === 0 ? 0 : 0x7b, from)
        writeFileSync(partial, whole)
      }
    }
  }

  remove(): void {
    rmSync(this.cwd, { recursive: true, force: true })
  }
}

/** Whether a file is neither a record of the run's nor unfinished. */
const isFinal = (name: string): boolean =>
  !/\.(partial|lock|checkpoint|new|answers(-\d+)?)$|\.lock\./.test(name)

/** A saved output, as far as it is looked at here. */
interface Saved {
  readonly path: string
  readonly bytes: number
  readonly file?: number
}

const isReading = (checkpoint: string): boolean => JSON.parse(checkpoint).reading !== null

/** Bytes of the unfinished files that a checkpoint says are on the disk, by the outputs' paths. */
function durableBytes(checkpoint: string): Map<string, number> {
  const found = new Map<string, number>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('path' in value && 'crc' in value && 'bytes' in value && !('lines' in value)) {
      const { path, bytes, file } = value as Saved // as checkpoints have it
      found.set(path, file ?? bytes)
    }
    for (const inner of Object.values(value)) walk(inner)
  }
  walk(JSON.parse(checkpoint))
  return found
}

/** What a report counts: all but the times, and what servers were like. */
function countsOf(report: string): unknown {
  return JSON.parse(report, (key, value) => (key === 'seconds' || key === 'details' ? undefined : value))
}

/** What a run makes that nothing stops. */
export async function runWhole(definition: Definition, place: Place): Promise<Whole> {
  const work = new Workplace(definition, place)
  const ending = await inTurn(async () => {
    const begun = performance.now()
    const { ended } = work.start(false)
    return { ...(await ended), milliseconds: performance.now() - begun }
  })
  const outcome = work.outcome(ending)
  work.remove()
  const left = [...outcome.files.keys()].filter((name) => !isFinal(name))
  if ((outcome.status !== 0 && outcome.status !== 3) || left.length > 0)
    throw new Error(`status ${outcome.status}, left ${left.join(', ')}: ${ending.stderr}`)
  const bytes = [...outcome.files.values()].reduce((sum, file) => sum + file.length, 0)
  return { ...outcome, milliseconds: ending.milliseconds, bytes }
}

/** Draws when to kill. */
export function drawWhen(random: Seeded, whole: Whole, { holds = false }: Definition): When {
  const kind = random.below(8)
  // What holds its data makes no checkpoint that one could wait for.
  switch (holds && kind > 3 ? 1 : kind) {
    case 0:
      return { published: true }
    case 1:
      return { after: (0.2 + 0.8 * random.next()) * whole.milliseconds }
    case 2:
    case 3:
      return { share: random.next(), of: whole.bytes }
    default:
      return { checkpoints: 1 + random.below(3) }
  }
}

/** How a definition fared that was killed: where it was each time. @throws Error for whatever differs */
export async function killAndResume(
  definition: Definition,
  place: Place,
  whole: Whole,
  random: Seeded,
): Promise<Moment[]> {
  const work = new Workplace(definition, place)
  const kills = 1 + random.below(3)
  const moments: Moment[] = []
  const told: string[] = []
  try {
    for (let kill = 0; kill < kills; kill++) {
      const when = drawWhen(random, whole, definition)
      // With nothing to resume it starts from the beginning.
      const moment = await work.runAndKill(kill > 0 || random.below(2) === 0, when)
      told.push(`${JSON.stringify(when)}: ${moment ?? 'was over before'}`)
      if (moment === undefined) break
      moments.push(moment)
      if (random.below(3) === 0) {
        work.loseUnsynced(random)
        told.push('power lost')
      }
    }
    const ending = await work.run(true)
    compare(whole, work.outcome(ending), ending.stderr)
    work.remove()
    return moments
  } catch (error) {
    throw new Error(`${definition.name} [${told.join(' | ')}] in ${work.cwd}\n${String(error)}`, {
      cause: error,
    })
  }
}

/** @throws Error saying where two outcomes differ */
function compare(whole: Whole, now: Outcome, stderr: string): void {
  // A run that was all but over when it was killed has nothing left to report but that.
  const isOver = stderr.includes('finished already')
  if (now.status !== (isOver ? 0 : whole.status)) throw new Error(`status ${now.status}: ${stderr}`)
  const expected = [...whole.files.keys()].join(', ')
  const found = [...now.files.keys()].join(', ')
  if (expected !== found) throw new Error(`files: ${found}; expected: ${expected}\n${stderr}`)
  for (const [name, bytes] of whole.files) {
    const other = now.files.get(name)
    if (other && !bytes.equals(other)) throw new Error(`${name}: ${firstDifference(bytes, other)}\n${stderr}`)
  }
  const [a, b] = [whole.report, now.report].map((report) => JSON.stringify(report))
  if (!isOver && a !== b) throw new Error(`the report is\n${b}\nnot\n${a}\n${stderr}`)
}

function firstDifference(a: Buffer, b: Buffer): string {
  const at = a.findIndex((byte, index) => byte !== b[index])
  const near = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 60), at + 60))
  return `${b.length} bytes, not ${a.length}; they differ at ${at}: ${near(b)}, not ${near(a)}`
}

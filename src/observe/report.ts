import type { Counters } from './counters.js'

/** A file that a run wrote. */
export interface WrittenFile {
  readonly path: string
  /** Bytes, before compression. */
  readonly bytes: number
}

/** What a stage did in a run. */
export interface StageReport {
  readonly stage: string
  readonly counters: Counters
  readonly outputs: readonly WrittenFile[]
  /** What else it tells: lines for people, and the same as data. */
  readonly details?: { readonly lines: readonly string[]; readonly data: unknown } | undefined
}

/** What a run did with one input. */
export interface InputReport {
  readonly input: string
  readonly files: readonly string[]
  /** Decompressed bytes read. */
  readonly bytes: number
  /** `parse` first. */
  readonly stages: readonly StageReport[]
  readonly seconds: number
}

/** What a run did. */
export interface RunReport {
  readonly pipeline: string
  readonly inputs: readonly InputReport[]
  readonly seconds: number
}

/** How many records a run left out. */
export function countLeftOut(report: RunReport): number {
  return sum(
    report.inputs.flatMap((input) => input.stages.flatMap((stage) => [...stage.counters.leftOut.values()])),
  )
}

/** A count of bytes for people: `1.2 MB`. */
export function showBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = -1
  do {
    value /= 1000
    unit++
  } while (value >= 999.5 && unit < units.length - 1)
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** By hand: to load what `toLocaleString` needs takes longer than a small run's report. */
const showCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

/** A run's report as text: what each stage took and gave, what was left out and why, what was written. */
export function showReport(report: RunReport): string {
  const lines: string[] = []
  for (const input of report.inputs) {
    const from = input.files.length === 1 ? input.files[0] : `${input.files.length} files`
    lines.push(`${input.input}: ${from === '-' ? 'stdin' : from}, ${showBytes(input.bytes)}`)
    const width = Math.max(...input.stages.map((stage) => stage.stage.length))
    for (const { stage, counters, outputs, details } of input.stages) {
      const counts = `${showCount(counters.in).padStart(11)} in ${showCount(counters.out).padStart(11)} out`
      const [first, ...more] = outputs.map(
        ({ path, bytes }) => `${path === '-' ? 'stdout' : path} (${showBytes(bytes)})`,
      )
      lines.push(`  ${stage.padEnd(width)}${counts}${first === undefined ? '' : `  → ${first}`}`)
      for (const output of more) lines.push(`${' '.repeat(width + 32)}  → ${output}`)
      for (const line of details?.lines ?? []) lines.push(`    ${line}`)
    }
  }
  lines.push(
    ...showTold(report, 'dropped', 'dropped'),
    ...showTold(report, 'leftOut', 'left out'),
    ...showTold(report, 'notes', 'note'),
  )
  if (countLeftOut(report) === 0) lines.push('left out: nothing')
  lines.push(`done in ${report.seconds.toFixed(2)} s`)
  return `${lines.join('\n')}\n`
}

/** One line for each reason and stage. */
export function showTold(report: RunReport, what: 'leftOut' | 'dropped' | 'notes', word: string): string[] {
  const counts = new Map<string, number>()
  for (const { stages } of report.inputs) {
    for (const { stage, counters } of stages) {
      for (const [reason, count] of counters[what]) {
        const key = `${reason} (${stage})`
        counts.set(key, (counts.get(key) ?? 0) + count)
      }
    }
  }
  return [...counts].map(([key, count]) => `${word}: ${showCount(count)} × ${key}`)
}

/** A run's report as data, for `--report`. */
export function reportData(report: RunReport): unknown {
  return {
    pipeline: report.pipeline,
    seconds: report.seconds,
    leftOut: countLeftOut(report),
    inputs: report.inputs.map((input) => ({
      input: input.input,
      files: input.files,
      bytes: input.bytes,
      seconds: input.seconds,
      stages: input.stages.map(({ stage, counters, outputs, details }) => ({
        stage,
        in: counters.in,
        out: counters.out,
        dropped: Object.fromEntries(counters.dropped),
        leftOut: Object.fromEntries(counters.leftOut),
        notes: Object.fromEntries(counters.notes),
        outputs,
        ...(details && { details: details.data }),
      })),
    })),
  }
}

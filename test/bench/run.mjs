/**
 * Measures the built command beside the plain Python version: alternating runs, medians, outputs compared.
 *
 *   node test/bench/run.mjs [--size 200MB] [--runs 3] [--only regression,helpsteer2,oasst,pipe,shuffle,memory,startup,cat,checkpoints]
 *                           [--write] [-- FLAGS FOR EVERY `run`]
 *
 * RESULTS.md says how, and holds the figures that --write puts there.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { steerpipeCommand } from './command.mjs'
import { DATA_FOLDER, generate, MEGABYTE } from './generate.mjs'
import { measure } from './measure.mjs'

/** @typedef {import('./measure.mjs').Cost} Cost */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BENCH = path.relative(ROOT, fileURLToPath(new URL('.', import.meta.url)))
const RESULTS = path.join(ROOT, BENCH, 'RESULTS.md')
const OUTPUT_FOLDER = path.join(DATA_FOLDER, 'out')

const MEMORY_FACTOR = 10
/** Resident size may grow by this much when the input grows by MEMORY_FACTOR, and never exceed the limit. */
const MEMORY_GROWTH = 1.15
const MEMORY_LIMIT_MB = 300
/** Below this the smaller run has not filled its young generation yet: growth is shown, but not judged. */
const MEMORY_JUDGED_FROM_MB = 200
const STARTUP_RUNS = 15

// --------------------------------------------------------------------------------------------- the ordinary

/** @param {string} file */
const fromRoot = (file) => path.relative(ROOT, file)

/** @param {string} text */
const say = (text) => process.stderr.write(`${text}\n`)

/** @param {readonly number[]} numbers */
function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {number} bytes */
const inMegabytes = (bytes) => (bytes / MEGABYTE).toFixed(0)

/** @param {number} seconds */
const inSeconds = (seconds) => seconds.toFixed(2)

/** @param {number} seconds */
const inMilliseconds = (seconds) => (seconds * 1000).toFixed(0)

/**
 * A median with the lowest and highest, when there is more than one.
 *
 * @param {readonly number[]} numbers
 */
function spread(numbers) {
  const [low, middle, high] = [Math.min(...numbers), median(numbers), Math.max(...numbers)]
  const range = numbers.length > 1 ? ` (${low.toFixed(2)}–${high.toFixed(2)})` : ''
  return `${middle.toFixed(2)}${range}`
}

/** @param {readonly string[]} words as a shell would read them */
const spelled = (words) => words.map((word) => (/[^\w./=:@%+-]/.test(word) ? `'${word}'` : word)).join(' ')

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows
 */
const markdownTable = (heads, rows) =>
  [heads, heads.map((_, i) => (i ? '---:' : '---')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')

/** A result that must not be: bytes that differ, memory that grows. */
class Failure extends Error {}

// ---------------------------------------------------------------------------------------------- a contest

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {readonly string[]} command
 * @property {string} [output] the file it makes; all of a contest must have the same bytes
 * @property {string} [beside] the name of another file in the same folder, likewise
 * @property {string} [stdout] where its standard output goes
 */

/** @typedef {{ contestant: Contestant, costs: Cost[] }} Standing */

/** @param {string} file */
function makeRoomFor(file) {
  fs.rmSync(path.dirname(file), { recursive: true, force: true })
  fs.mkdirSync(path.dirname(file), { recursive: true })
}

/**
 * @param {string} expected
 * @param {string} got
 * @param {number} [bytes] compare only so many
 */
function mustBeSame(expected, got, bytes) {
  const run = spawnSync('cmp', [...(bytes === undefined ? [] : ['-n', String(bytes)]), expected, got], {
    encoding: 'utf8',
  })
  if (run.error) throw run.error
  if (run.status !== 0) throw new Failure(`bytes differ: ${run.stdout}${run.stderr}`.trim())
}

/**
 * Runs all contestants in turn, every other round in reverse, and compares what they wrote after each round.
 *
 * @param {readonly Contestant[]} contestants
 * @param {number} runs
 * @returns {Standing[]}
 */
function contest(contestants, runs) {
  const standings = contestants.map((contestant) => ({ contestant, costs: /** @type {Cost[]} */ ([]) }))
  for (let round = 0; round < runs; round++) {
    for (const { contestant, costs } of round % 2 ? standings.toReversed() : standings) {
      if (contestant.output) {
        makeRoomFor(contestant.output)
        spawnSync('sync')
      }
      const cost = measure(contestant.command, { cwd: ROOT, stdout: contestant.stdout })
      costs.push(cost)
      if (contestant.output)
        say(`  ${contestant.name}: ${inSeconds(cost.wall)} s, ${inMegabytes(cost.resident)} MB`)
    }
    const [first, ...rest] = contestants.flatMap(({ output }) => output ?? [])
    for (const output of rest) mustBeSame(first, output)
    const [firstBeside, ...restBeside] = contestants.flatMap(({ output, beside }) =>
      output && beside ? path.join(path.dirname(output), beside) : [],
    )
    for (const output of restBeside) mustBeSame(firstBeside, output)
  }
  return standings
}

/**
 * @param {readonly Standing[]} standings
 * @param {string} input
 */
function contestTable(standings, input) {
  const size = fs.statSync(input).size
  const [first] = standings
  const heads = [
    '',
    'wall s',
    'user + sys s',
    'resident MB',
    'MB/s in',
    `times the speed of ${first.contestant.name}`,
  ]
  const rows = standings.map(({ contestant, costs }) => {
    const wall = median(costs.map((cost) => cost.wall))
    return [
      contestant.name,
      inSeconds(wall),
      inSeconds(median(costs.map((cost) => cost.cpu))),
      inMegabytes(median(costs.map((cost) => cost.resident))),
      inMegabytes(size / wall),
      costs === first.costs ? '1' : spread(costs.map((cost, round) => first.costs[round].wall / cost.wall)),
    ]
  })
  return markdownTable(heads, rows)
}

// --------------------------------------------------------------------------------------------- the commands

/**
 * @param {'regression' | 'helpsteer2' | 'oasst'} job
 * @param {string} input
 * @param {string} output
 */
const baseline = (job, input, output) => [
  'python3',
  `${BENCH}/baseline.py`,
  job,
  fromRoot(input),
  fromRoot(output),
]

/**
 * @typedef {object} Bench
 * @property {number} megabytes
 * @property {number} runs
 * @property {readonly string[]} steerpipe
 * @property {readonly string[]} flags for every `run`
 */

/**
 * @param {Bench} bench
 * @param {string} definition
 * @param {string} input
 * @param {string} output
 */
const recipe = ({ steerpipe, flags }, definition, input, output) => [
  ...[...steerpipe, 'run', definition],
  ...['--set', `in=${fromRoot(input)}`, '--set', `out=${fromRoot(output)}`, ...flags],
]

/**
 * @param {string} job
 * @param {string} name
 */
const outputOf = (job, name) => path.join(OUTPUT_FOLDER, job, name, 'out.jsonl')

/**
 * Makes the input, and reads it once so that every contestant finds it in the page cache.
 *
 * @param {import('./generate.mjs').Kind} kind
 * @param {number} megabytes
 */
function inputOf(kind, megabytes) {
  say(`  ${kind}, ${megabytes} MB`)
  const file = generate({ kind, megabytes })
  measure(['cat', file])
  return file
}

const REGRESSION = 'pipelines/regression.yaml'
const HELPSTEER2 = `${BENCH}/helpsteer2-plain.yaml`
const HELPSTEER2_REGRESSION = `${BENCH}/helpsteer2-regression.yaml`

/**
 * What a job found: its title, its table, the commands that were measured, and what must not be.
 *
 * @typedef {{ title: string, table: string, commands: readonly (readonly string[])[], failures?: string[] }} Finding
 */

/**
 * @param {readonly Standing[]} standings
 * @param {string} input
 * @param {string} title
 * @returns {Finding}
 */
const contestFinding = (standings, input, title) => ({
  title,
  table: contestTable(standings, input),
  commands: standings.map(({ contestant }) => contestant.command),
})

/**
 * The Python version against a definition.
 *
 * @param {Bench} bench
 * @param {'regression' | 'helpsteer2'} job
 * @param {string} definition
 * @param {string} input
 */
function beside(bench, job, definition, input) {
  const [python, ours] = [outputOf(job, 'python'), outputOf(job, 'steerpipe')]
  return contest(
    [
      { name: 'Python', command: baseline(job, input, python), output: python },
      { name: 'steerpipe', command: recipe(bench, definition, input, ours), output: ours },
    ],
    bench.runs,
  )
}

/** @param {Bench} bench */
function regression(bench) {
  const input = inputOf('conversations', bench.megabytes)
  const standings = beside(bench, 'regression', REGRESSION, input)
  return contestFinding(standings, input, `regression: ${bench.megabytes} MB of conversations to samples`)
}

/** @param {Bench} bench */
function helpsteer2(bench) {
  const input = inputOf('rows', bench.megabytes)
  const standings = beside(bench, 'helpsteer2', HELPSTEER2, input)
  return contestFinding(standings, input, `helpsteer2: ${bench.megabytes} MB of rows to SFT conversations`)
}

/**
 * The shipped recipe, on gzipped trees: shuffled as Python does, split, and a conversation for each thread.
 *
 * @param {Bench} bench
 */
function oasst(bench) {
  const input = inputOf('trees', bench.megabytes)
  const [python, ours] = ['python', 'steerpipe'].map((name) => path.join(OUTPUT_FOLDER, 'oasst', name))
  const run = [...bench.steerpipe, 'run', 'pipelines/oasst.yaml', '--input', `trees=${fromRoot(input)}`]
  const made = (/** @type {string} */ folder) => ({
    output: path.join(folder, 'train.jsonl'),
    beside: 'val.jsonl',
  })
  const standings = contest(
    [
      { name: 'Python', command: baseline('oasst', input, python), ...made(python) },
      {
        name: 'steerpipe',
        command: [...run, '--set', `out=${fromRoot(ours)}`, ...bench.flags],
        ...made(ours),
      },
    ],
    bench.runs,
  )
  const title = `oasst: ${bench.megabytes} MB of trees (gzipped; MB/s are of the compressed bytes) to SFT conversations`
  return contestFinding(standings, input, title)
}

const SHUFFLE = `${BENCH}/shuffle.yaml`

/** What the recipe's shuffle does, with everything in memory. */
const PYTHON_SHUFFLE = `import random, sys
lines = open(sys.argv[1], 'rb').readlines()
random.seed(10)
random.shuffle(lines)
open(sys.argv[2], 'wb').writelines(lines)`

/**
 * Both shuffles, with the usual memory, over the size and over ten times the size.
 *
 * @param {Bench} bench
 * @returns {Finding}
 */
function shuffle(bench) {
  /** @type {string[][]} */
  const commands = []
  /** @type {string[][]} */
  const rows = []
  /** @type {string[]} */
  const failures = []
  for (const megabytes of [bench.megabytes, bench.megabytes * MEMORY_FACTOR]) {
    const input = inputOf('conversations', megabytes)
    const [python, ours, buckets] = ['script', 'python', 'buckets'].map((name) => outputOf('shuffle', name))
    const own = (/** @type {string} */ algorithm, /** @type {string} */ output) => [
      ...recipe(bench, SHUFFLE, input, output),
      ...['--set', `algorithm=${algorithm}`],
    ]
    const script = ['python3', '-c', PYTHON_SHUFFLE, fromRoot(input), fromRoot(python)]
    // The script holds it all: ten times the size is for those that need not.
    const small = megabytes === bench.megabytes
    const sorted = contest(
      [{ name: 'buckets', command: own('buckets', buckets), output: buckets }],
      bench.runs,
    )
    if (fs.statSync(buckets).size !== fs.statSync(input).size)
      failures.push('shuffle: buckets lost something')
    const standings = contest(
      [
        { name: 'python', command: own('python', ours), output: ours },
        ...(small ? [{ name: 'a Python script in memory', command: script, output: python }] : []),
      ],
      small ? bench.runs : 1,
    )
    for (const { contestant, costs } of [...standings, ...sorted]) {
      const wall = median(costs.map(({ wall }) => wall))
      const resident = inMegabytes(median(costs.map((cost) => cost.resident)))
      rows.push([
        contestant.name,
        `${megabytes}`,
        inSeconds(wall),
        inMegabytes((megabytes * MEGABYTE) / wall),
        resident,
      ])
      commands.push([...contestant.command])
    }
    fs.rmSync(path.dirname(path.dirname(ours)), { recursive: true, force: true })
  }
  const heads = ['', 'MB', 'wall s', 'MB/s', 'resident MB']
  return {
    title: 'shuffle: lines, with `memory` at its default (256MB)',
    table: markdownTable(heads, rows),
    commands,
    failures,
  }
}

/** @param {Bench} bench */
function pipe(bench) {
  const input = inputOf('rows', bench.megabytes)
  const [python, piped, one] = ['python', 'pipe', 'recipe'].map((name) => outputOf('pipe', name))
  const between = path.join(path.dirname(python), 'sft.jsonl')
  const filter = spelled(bench.steerpipe)
  const filters = [
    `${filter} template --dataset helpsteer2 < ${fromRoot(input)}`,
    `${filter} label-format`,
    `${filter} regression-expand > ${fromRoot(piped)}`,
  ]
  const scripts = [baseline('helpsteer2', input, between), baseline('regression', between, python)]
  const standings = contest(
    [
      {
        name: 'Python, two scripts',
        command: ['sh', '-c', scripts.map(spelled).join(' && ')],
        output: python,
      },
      {
        name: 'steerpipe, three filters',
        command: ['bash', '-o', 'pipefail', '-c', filters.join(' | ')],
        output: piped,
      },
      {
        name: 'steerpipe, one recipe',
        command: recipe(bench, HELPSTEER2_REGRESSION, input, one),
        output: one,
      },
    ],
    bench.runs,
  )
  return contestFinding(standings, input, `pipe: ${bench.megabytes} MB of rows to samples`)
}

/**
 * Peak resident size over the size and over ten times the size. A smaller input is a prefix of a larger one,
 * so its output must be a prefix of the larger one's.
 *
 * @param {Bench} bench
 * @returns {Finding}
 */
function memory(bench) {
  const sizes = [bench.megabytes, bench.megabytes * MEMORY_FACTOR]
  /** @type {[string, import('./generate.mjs').Kind, string][]} */
  const jobs = [
    ['regression', 'conversations', REGRESSION],
    ['helpsteer2', 'rows', HELPSTEER2],
  ]
  /** @type {string[]} */
  const failures = []
  /** @type {string[][]} */
  const commands = []
  const rows = jobs.map(([name, kind, definition]) => {
    const outputs = sizes.map((size) => outputOf('memory', `${name}-${size}MB`))
    const peaks = sizes.map((size, i) => {
      const command = recipe(bench, definition, inputOf(kind, size), outputs[i])
      commands.push(command)
      const [{ costs }] = contest([{ name, command, output: outputs[i] }], bench.runs)
      return costs.map((cost) => cost.resident)
    })
    mustBeSame(outputs[0], outputs[1], fs.statSync(outputs[0]).size)
    for (const output of outputs) fs.rmSync(path.dirname(output), { recursive: true })

    const growth = median(peaks[1]) / median(peaks[0])
    if (growth > MEMORY_GROWTH && bench.megabytes >= MEMORY_JUDGED_FROM_MB) {
      failures.push(`${name}: resident size grows by ${growth.toFixed(2)} (at most ${MEMORY_GROWTH})`)
    }
    const highest = Math.max(...peaks.flat())
    if (highest > MEMORY_LIMIT_MB * MEGABYTE) {
      failures.push(`${name}: ${inMegabytes(highest)} MB resident (at most ${MEMORY_LIMIT_MB})`)
    }
    return [name, ...peaks.map((peak) => inMegabytes(median(peak))), growth.toFixed(2), inMegabytes(highest)]
  })
  const heads = ['resident MB', ...sizes.map((size) => `${size} MB in`), 'ratio', 'highest of all runs']
  return { title: 'memory', table: markdownTable(heads, rows), commands, failures }
}

/**
 * @param {Bench} bench
 * @returns {Finding}
 */
function startup(bench) {
  const standings = contest(
    [
      { name: '`node -e 0`', command: [process.execPath, '-e', '0'] },
      { name: '`steerpipe --help`', command: [...bench.steerpipe, '--help'] },
    ],
    STARTUP_RUNS,
  )
  const rows = standings.map(({ contestant, costs }) => [
    contestant.name,
    inMilliseconds(median(costs.map((cost) => cost.wall))),
    inMilliseconds(median(costs.map((cost) => cost.cpu))),
    inMegabytes(median(costs.map((cost) => cost.resident))),
  ])
  const table = markdownTable(['', 'wall ms', 'user + sys ms', 'resident MB'], rows)
  const commands = standings.map(({ contestant }) => contestant.command)
  return { title: `startup: medians of ${STARTUP_RUNS}`, table, commands }
}

/**
 * For scale: what the disk alone takes for the regression job's output.
 *
 * @param {Bench} bench
 */
function cat(bench) {
  const made = outputOf('regression', 'python')
  if (!fs.existsSync(made)) {
    const input = inputOf('conversations', bench.megabytes)
    makeRoomFor(made)
    measure(baseline('regression', input, made), { cwd: ROOT })
  }
  const [copy, synced] = [outputOf('cat', 'plain'), outputOf('cat', 'synced')]
  const [from, to] = [fromRoot(made), fromRoot(synced)]
  const standings = contest(
    [
      { name: 'cat', command: ['cat', from], stdout: copy, output: copy },
      { name: 'cat and fsync', command: ['sh', '-c', `cat ${from} > ${to} && sync ${to}`], output: synced },
    ],
    bench.runs,
  )
  const title = `cat: the ${inMegabytes(fs.statSync(made).size)} MB of the regression job's output to a new file`
  return contestFinding(standings, made, title)
}

/**
 * What it costs to put on record how far a run has come: never, as often as is usual, and every second.
 *
 * @param {Bench} bench
 */
function checkpoints(bench) {
  const input = inputOf('conversations', bench.megabytes)
  const standings = contest(
    ['off', '30s', '1s'].map((every) => {
      const output = outputOf('checkpoints', every)
      const command = [...recipe(bench, REGRESSION, input, output), '--checkpoint-every', every]
      return { name: every, command, output }
    }),
    bench.runs,
  )
  return contestFinding(standings, input, `checkpoints: the regression recipe over ${bench.megabytes} MB`)
}

/** @type {Record<string, (bench: Bench) => Finding>} */
const JOBS = { regression, helpsteer2, oasst, pipe, shuffle, memory, startup, cat, checkpoints }

// ------------------------------------------------------------------------------------------------ the report

/** @param {string} text `200MB`, `2GB`, or a number of megabytes */
function readSize(text) {
  const found = /^(\d+(?:\.\d+)?)(MB|GB)?$/i.exec(text)
  const megabytes = found ? Number(found[1]) * (found[2]?.toUpperCase() === 'GB' ? 1000 : 1) : 0
  if (!(megabytes > 0)) throw new Error(`--size: ${text} is not a size like 200MB or 2GB`)
  return megabytes
}

function machine() {
  const cpus = os.cpus()
  const python = spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout.trim()
  return [
    `${new Date().toISOString().slice(0, 10)}.`,
    `${cpus[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} cores,`,
    `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, ${os.type()} ${os.release()};`,
    `Node ${process.versions.node}, ${python}.`,
  ].join(' ')
}

/**
 * @param {readonly Finding[]} findings
 * @param {Bench} bench
 */
function report(findings, bench) {
  const asked = `\`${spelled(['node', `${BENCH}/run.mjs`, ...process.argv.slice(2)])}\``
  const commands = findings
    .flatMap(({ commands }) => commands)
    .map((command) => {
      const [program, ...rest] = command
      return spelled([program === process.execPath ? 'node' : program, ...rest]).replaceAll(
        process.execPath,
        'node',
      )
    })
  return [
    `${machine()} ${bench.runs === 1 ? 'One run' : `Medians of ${bench.runs} runs`} each, by ${asked}.`,
    ...findings.map(({ title, table }) => `### ${title}\n\n${table}`),
    `<details><summary>The commands</summary>\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n\n</details>`,
  ].join('\n\n')
}

/** @param {string} figures */
function writeResults(figures) {
  const page = fs.readFileSync(RESULTS, 'utf8')
  const [start, end] = ['<!-- figures -->', '<!-- /figures -->']
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${fromRoot(RESULTS)} has no ${start} … ${end}`)
  fs.writeFileSync(RESULTS, `${page.slice(0, from + start.length)}\n${figures}\n${page.slice(to)}`)
}

function readArguments() {
  const given = process.argv.slice(2)
  const border = given.includes('--') ? given.indexOf('--') : given.length
  const { values } = parseArgs({
    args: given.slice(0, border),
    options: {
      size: { type: 'string', default: '200MB' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: Object.keys(JOBS).join() },
      write: { type: 'boolean', default: false },
    },
  })
  const asked = values.only.split(',')
  const unknown = asked.filter((name) => !Object.hasOwn(JOBS, name))
  if (unknown.length > 0)
    throw new Error(`--only: no ${unknown.join(', ')} in ${Object.keys(JOBS).join(', ')}`)
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs: ${values.runs} is not a number from 1 on`)
  const bench = {
    megabytes: readSize(values.size),
    runs,
    steerpipe: steerpipeCommand(),
    flags: given.slice(border + 1),
  }
  return { bench, names: Object.keys(JOBS).filter((name) => asked.includes(name)), write: values.write }
}

function main() {
  const { bench, names, write } = readArguments()
  fs.rmSync(OUTPUT_FOLDER, { recursive: true, force: true })
  /** @type {Finding[]} */
  const findings = []
  /** @type {string[]} */
  const failures = []
  for (const name of names) {
    say(name)
    try {
      const finding = JOBS[name](bench)
      findings.push(finding)
      failures.push(...(finding.failures ?? []))
    } catch (error) {
      failures.push(`${name}: ${error instanceof Failure ? error.message : String(error)}`)
    }
  }

  const figures = report(findings, bench)
  console.log(figures)
  if (failures.length > 0) {
    say(`\nFAILED\n${failures.join('\n')}\nWhat was written is in ${fromRoot(OUTPUT_FOLDER)}.`)
    process.exitCode = 1
    return
  }
  fs.rmSync(OUTPUT_FOLDER, { recursive: true, force: true })
  if (write) writeResults(figures)
}

try {
  main()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

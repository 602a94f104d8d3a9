/**
 * Measures the built command beside the plain Python version and others: alternating runs, medians, outputs compared.
 *
 *   node test/bench/run.mjs [--size 200MB] [--runs 3] [--only JOB,…] [--write] [-- FLAGS FOR EVERY `run`]
 *
 * The jobs are those in jobs/index.mjs. RESULTS.md says how, and holds the figures that --write puts there.
 */
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { steerpipeCommand } from './command.mjs'
import { Failure } from './contest.mjs'
import { removeLargeInputs } from './inputs.mjs'
import { JOBS } from './jobs/index.mjs'
import { fromRoot, OUTPUT_FOLDER, say } from './paths.mjs'
import { report, writeResults } from './report.mjs'

/** @param {string} text `200MB`, `2GB`, or a number of megabytes */
function readSize(text) {
  const found = /^(\d+(?:\.\d+)?)(MB|GB)?$/i.exec(text)
  const megabytes = found ? Number(found[1]) * (found[2]?.toUpperCase() === 'GB' ? 1000 : 1) : 0
  if (!(megabytes > 0)) throw new Error(`--size: ${text} is not a size like 200MB or 2GB`)
  return megabytes
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
  /** @type {import('./report.mjs').Finding[]} */
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
  removeLargeInputs()

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

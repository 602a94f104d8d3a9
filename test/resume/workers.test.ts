/** A run that was stopped goes on with any other number of threads: what it makes is what an unstopped run makes. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { RunReport } from '../../src/observe/report.js'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { Seeded } from '../support/seeded.js'
import { timeless } from '../support/timeless.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-workers-resume-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Rows with a bad one here and there, and some that reach over several regions. */
function rows(random: Seeded): Buffer {
  const lines = Array.from({ length: 400 }, (_, n) => {
    if (random.below(25) === 0) return `{"prompt":${n}}`
    const length = random.below(50) === 0 ? random.below(1_200_000) : random.below(20_000)
    return `{"prompt":"p${n}","response":"${'r'.repeat(length)}","helpfulness":${n % 5}}`
  })
  return Buffer.from(lines.join('\n'))
}

const YAML = `name: x
inputs: { first: IN/a.jsonl, second: [IN/b.jsonl.gz, IN/c.jsonl] }
stages:
  - template: helpsteer2
  - label-format
  - write: OUT/\${input}.jsonl.gz
  - regression-expand
  - write: OUT/\${input}-samples.jsonl
`

const SETTINGS = { onError: 'skip', workersFrom: 0 } as const

/** What the outputs hold, and what was counted. */
function madeIn(out: string, report: RunReport): Record<string, string> {
  const files = readdirSync(out).filter((name) => name !== 'p.yaml')
  return {
    ...Object.fromEntries(files.map((name) => [name, readFileSync(join(out, name), 'latin1')])),
    report: timeless(report).replaceAll(out, 'OUT'),
    // Where dead letters belong is said with the path.
    'bad.jsonl': readFileSync(join(out, 'bad.jsonl'), 'utf8').replaceAll(out, 'OUT'),
  }
}

async function prepared(input: string) {
  const out = mkdtempSync(join(folder, 'out-'))
  writeFileSync(join(out, 'p.yaml'), YAML.replaceAll('OUT', out).replaceAll('IN', input))
  const checked = await prepareFile(join(out, 'p.yaml'), { env: {} })
  return { out, checked, aside: { path: join(out, 'bad.jsonl') } }
}

async function whole(input: string, workers: number): Promise<Record<string, string>> {
  const { out, checked, aside } = await prepared(input)
  return madeIn(out, await runPipeline(checked, { ...SETTINGS, workers, aside }))
}

describe.each([1, 2, 3, 4])('seed %i', (seed) => {
  test('stopped again and again, each time with other threads', async () => {
    const random = new Seeded(seed)
    const input = mkdtempSync(join(folder, 'in-'))
    writeFileSync(join(input, 'a.jsonl'), rows(random))
    writeFileSync(join(input, 'b.jsonl.gz'), gzipSync(rows(random), { level: 1 }))
    writeFileSync(join(input, 'c.jsonl'), rows(random))
    const expected = await whole(input, 0)
    const { out, checked, aside } = await prepared(input)
    let resumed = 0
    let report: RunReport | undefined
    for (let attempt = 0; report === undefined; attempt++) {
      const workers = [0, 1, 2, 7][random.below(4)]
      const stop = new AbortController()
      // Towards the end runs are left to themselves.
      let left = attempt < 8 ? 2 + random.below(12) : Number.POSITIVE_INFINITY
      const keeping = { every: 0, resume: attempt > 0, onResume: () => resumed++ }
      try {
        report = await runPipeline(checked, {
          ...SETTINGS,
          ...{ workers, aside, keeping, signal: stop.signal },
          onProgress: () => left-- === 0 && stop.abort(),
        })
      } catch (error) {
        if (!stop.signal.aborted) throw error
        // A process would be gone by now; here, writes that were under way come to their end.
        await pause(300)
      }
    }
    const made = madeIn(out, report)
    for (const [name, content] of Object.entries(expected)) expect(made[name] === content, name).toBe(true)
    expect(Object.keys(made).sort()).toEqual(Object.keys(expected).sort())
    expect(existsSync(join(out, 'first.jsonl.gz.checkpoint'))).toBe(false)
    expect(resumed).toBeGreaterThan(0)
  })
})

/** A run on threads that is aborted leaves nothing behind, whenever that is: no lock, no half output, no thread at work. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { prepareFile } from '../../../src/pipeline/check.js'
import { runPipeline } from '../../../src/pipeline/run.js'
import { Seeded } from '../../support/seeded.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-aborted-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = Buffer.from(`{"prompt":"p","response":"${'r'.repeat(900)}","helpfulness":1}\n`.repeat(4000))

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const found = (out: string) => readdirSync(out).map((name) => [name, readFileSync(join(out, name)).length])

test.each([
  ['a shuffled file', rows, '{shuffle: {}}, {template: helpsteer2}'],
  ['a file', rows, '{template: helpsteer2}'],
  ['a stream', gzipSync(rows, { level: 1 }), '{template: helpsteer2}'],
])('%s', async (_, bytes, stages) => {
  const random = new Seeded(bytes.length)
  writeFileSync(join(folder, 'in'), bytes)
  let aborted = 0
  for (let attempt = 0; attempt < 60; attempt++) {
    const out = mkdtempSync(join(folder, 'out-'))
    const definition = join(folder, 'p.yaml')
    writeFileSync(
      definition,
      `name: x\ninputs: { one: ${folder}/in, two: ${folder}/in }\nstages: [${stages}, {write: '${out}/\${input}-a.gz'}, {label-format: {}}, {write: '${out}/\${input}-b'}]\n`,
    )
    const checked = await prepareFile(definition, { env: {} })
    const stop = new AbortController()
    const done = runPipeline(checked, { workers: 2, workersFrom: 0, signal: stop.signal })
    const ended = done.then(
      () => false,
      () => true,
    )
    await pause(random.below(2) === 0 ? 0 : random.below(150))
    stop.abort()
    if (!(await ended)) continue
    aborted++
    const left = found(out)
    await pause(20)
    expect(found(out)).toEqual(left)
    // The first input's outputs may be whole.
    expect(left.filter(([name]) => !/^one-[ab](\.gz)?$/.test(String(name)))).toEqual([])
  }
  expect(aborted).toBeGreaterThan(5)
})

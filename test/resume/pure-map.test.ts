/** A function that is pure can be gone on with, also where threads do its work. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-pure-map-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([0, 2])('with %i threads there are checkpoints', async (workers) => {
  const inFolder = (name: string) => join(folder, name)
  writeFileSync(inFolder('in'), `{"a":"${'x'.repeat(1000)}"}\n`.repeat(5000))
  writeFileSync(inFolder('m.mjs'), 'export default { pure: true, map: (row) => row }')
  writeFileSync(
    inFolder('p.yaml'),
    `name: x\ninputs: ${inFolder('in')}\nstages: [map: ./m.mjs, write: ${inFolder('out')}]\n`,
  )
  const checked = await prepareFile(inFolder('p.yaml'), { env: {} })
  let seen = 0
  const keeping = { every: 0, resume: false }
  const onProgress = () => {
    if (existsSync(inFolder('out.checkpoint'))) seen++
  }
  await runPipeline(checked, { workers, workersFrom: 0, force: true, keeping, onProgress })
  expect(seen).toBeGreaterThan(0)
  expect(readFileSync(inFolder('out')).equals(readFileSync(inFolder('in')))).toBe(true)
})

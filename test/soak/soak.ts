/** As test/resume/kill.test.ts, until the time is over; see run.mjs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeData } from '../resume/data.js'
import { type Definition, OWN, RECIPES } from '../resume/definitions.js'
import { killAndResume, type Moment, type Place, runWhole, type Whole } from '../resume/driver.js'
import { startRewardServer } from '../support/reward-server.js'
import { Seeded } from '../support/seeded.js'

const { SOAK_MINUTES = '10', SOAK_SEED = '1', SOAK_ONLY } = process.env
const TIME = Number(SOAK_MINUTES) * 60_000
const SEED = Number(SOAK_SEED)

/** Milliseconds between two lines that say how far it is. */
const TELL_EVERY = 30_000

test(
  `kills and resumes, seed ${SEED}`,
  async () => {
    const definitions = [...RECIPES, ...OWN].filter(
      ({ name }) => SOAK_ONLY === undefined || name === SOAK_ONLY,
    )
    const folder = mkdtempSync(join(tmpdir(), 'steerpipe-soak-'))
    const data = join(folder, 'data')
    makeData(data)
    const server = await startRewardServer({ perItem: 0.1 })
    const place: Place = { data, folder, server: server.url, every: 5, nap: 5 }
    const wholes = new Map<Definition, Promise<Whole>>()
    const count: Record<Moment, number> = { before: 0, middle: 0, end: 0 }
    const failures: string[] = []
    const end = performance.now() + TIME
    let next = 0
    const tell = () =>
      console.info(`${next} runs, killed ${JSON.stringify(count)}, ${failures.length} failures`)
    const telling = setInterval(tell, TELL_EVERY)
    const work = async (): Promise<void> => {
      while (performance.now() < end) {
        const number = next++
        const definition = definitions[number % definitions.length]
        // The first runs of each are what all later ones are compared with.
        const whole = wholes.get(definition) ?? runWhole(definition, place)
        wholes.set(definition, whole)
        // The milliseconds between checkpoints, and how slow it is, differ from run to run.
        const random = new Seeded(SEED * 1_000_003 + number)
        const pace: Place = { ...place, every: random.pick([1, 5, 30, 200]), nap: random.pick([0, 2, 5, 15]) }
        try {
          for (const moment of await killAndResume(definition, pace, await whole, random)) count[moment]++
        } catch (error) {
          failures.push(`seed ${SEED}, run ${number}: ${String(error)}`)
          console.error(failures.at(-1))
        }
      }
    }
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, work))
    clearInterval(telling)
    tell()
    await server.close()
    expect(failures, `what is left of them is in ${folder}`).toEqual([])
    rmSync(folder, { recursive: true, force: true })
  },
  TIME + 600_000,
)

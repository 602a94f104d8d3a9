/** SIGKILL at random moments, over every recipe and every stage: what `--resume` makes is what an unstopped run makes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RewardServer, startRewardServer } from '../support/reward-server.js'
import { Seeded } from '../support/seeded.js'
import { makeData } from './data.js'
import { OWN, RECIPES, SHIPPED } from './definitions.js'
import { killAndResume, type Moment, type Place, runWhole } from './driver.js'

const { RESUME_SEED = '6', RESUME_ONLY } = process.env
const SEED = Number(RESUME_SEED)

/** Kills of each definition, at the least; together a little more than a hundred. */
const KILLS = 3

/** Attempts to meet a run before it is over. */
const ATTEMPTS = 40

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-kill-'))
const data = join(folder, 'data')
const moments: Moment[] = []
let server: RewardServer
let place: Place

beforeAll(async () => {
  makeData(data)
  server = await startRewardServer({ perItem: 0.1 })
  place = { data, folder, server: server.url, every: 5, nap: 12 }
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const definitions = [...RECIPES, ...OWN].filter(
  ({ name }) => RESUME_ONLY === undefined || name === RESUME_ONLY,
)

describe.concurrent('killed and gone on with', () => {
  test.each(definitions.map((definition, index) => [definition.name, definition, index] as const))(
    '%s',
    async (_, definition, index) => {
      const whole = await runWhole(definition, place)
      const seed = SEED * 1000 + index
      const random = new Seeded(seed)
      let kills = 0
      for (let attempt = 0; kills < KILLS && attempt < ATTEMPTS; attempt++) {
        const met = await killAndResume(definition, place, whole, random).catch((error: unknown) => {
          throw new Error(`RESUME_SEED=${SEED}, attempt ${attempt + 1}: ${String(error)}`, { cause: error })
        })
        kills += met.length
        moments.push(...met)
      }
      if (kills === 0) throw new Error(`${definition.name} was over before it could be killed, each time`)
    },
    300_000,
  )
})

test('every recipe that ships is among them', () => {
  expect(RECIPES.map(({ recipe }) => recipe).sort()).toEqual(SHIPPED.sort())
})

test.skipIf(RESUME_ONLY !== undefined)('the kills were many, and at all moments', () => {
  const count = (moment: Moment) => moments.filter((each) => each === moment).length
  const [before, middle, end] = [count('before'), count('middle'), count('end')]
  console.info(
    `${moments.length} kills: ${before} before a checkpoint, ${middle} behind one, ${end} behind an input`,
  )
  expect(moments.length).toBeGreaterThanOrEqual(100)
  expect(before).toBeGreaterThan(0)
  expect(middle).toBeGreaterThanOrEqual(10)
  expect(end).toBeGreaterThan(0)
})

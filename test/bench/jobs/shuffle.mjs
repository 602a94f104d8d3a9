import fs from 'node:fs'
import path from 'node:path'
import { contest } from '../contest.mjs'
import { recipe } from '../contestants.mjs'
import { inMegabytes, inSeconds, median } from '../figures.mjs'
import { MEGABYTE } from '../generate.mjs'
import { inputOf } from '../inputs.mjs'
import { BENCH, fromRoot, outputOf } from '../paths.mjs'
import { markdownTable } from '../table.mjs'

const SHUFFLE = `${BENCH}/shuffle.yaml`
const LARGER = 10

/** What the recipe's shuffle does, with everything in memory. */
const PYTHON_SHUFFLE = `import random, sys
lines = open(sys.argv[1], 'rb').readlines()
random.seed(10)
random.shuffle(lines)
open(sys.argv[2], 'wb').writelines(lines)`

/**
 * Both shuffles, with the usual memory, over the size and over ten times the size.
 *
 * @param {import('../contestants.mjs').Bench} bench
 * @returns {import('../report.mjs').Finding}
 */
export function shuffle(bench) {
  /** @type {import('../contest.mjs').Contestant[]} */
  const contestants = []
  /** @type {string[][]} */
  const rows = []
  /** @type {string[]} */
  const failures = []
  for (const megabytes of [bench.megabytes, bench.megabytes * LARGER]) {
    const input = inputOf({ kind: 'conversations', megabytes })
    const [script, sorted, drawn] = ['script', 'python', 'buckets'].map((name) => outputOf('shuffle', name))
    const own = (/** @type {string} */ algorithm, /** @type {string} */ output) => [
      ...recipe(bench, SHUFFLE, input, output),
      ...['--set', `algorithm=${algorithm}`],
    ]
    const inMemory = ['python3', '-c', PYTHON_SHUFFLE, fromRoot(input), fromRoot(script)]
    // The script holds it all: ten times the size is for those that need not.
    const small = megabytes === bench.megabytes
    const runs = small ? bench.runs : 1
    const buckets = contest([{ name: 'buckets', command: own('buckets', drawn), output: drawn }], runs)
    if (fs.statSync(drawn).size !== fs.statSync(input).size) failures.push('shuffle: buckets lost something')
    const standings = contest(
      [
        { name: 'python', command: own('python', sorted), output: sorted },
        ...(small ? [{ name: 'a Python script in memory', command: inMemory, output: script }] : []),
      ],
      runs,
    )
    for (const { contestant, costs } of [...standings, ...buckets]) {
      const wall = median(costs.map((cost) => cost.wall))
      const resident = inMegabytes(median(costs.map((cost) => cost.resident)))
      const speed = inMegabytes((megabytes * MEGABYTE) / wall)
      rows.push([contestant.name, `${megabytes}`, inSeconds(wall), speed, resident])
      contestants.push(contestant)
    }
    fs.rmSync(path.dirname(path.dirname(sorted)), { recursive: true, force: true })
  }
  return {
    title: 'shuffle: lines, with `memory` at its default (256MB)',
    table: markdownTable(['', 'MB', 'wall s', 'MB/s', 'resident MB'], rows),
    contestants,
    failures,
  }
}

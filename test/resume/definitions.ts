/** What is run, killed and resumed: every shipped recipe, and definitions of the tests' own for whatever these have not. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/paths.js'

/** A run that is to be stopped. Its outputs go below `out` in the working folder. */
export interface Definition {
  readonly name: string
  /** Arguments of `run` behind the file. `DATA` stands for the folder of the inputs. */
  readonly args?: readonly string[]
  /** A recipe that is shipped. */
  readonly recipe?: string
  /** The inputs and stages of a definition of the tests' own. */
  readonly yaml?: string
  /** Whether the run asks a reward server, whose address is put in for `SERVER`. */
  readonly asks?: boolean
  /** Whether some of its stages hold data, so that it begins anew. */
  readonly holds?: boolean
}

const recipe = (name: string, ...vars: readonly string[]): Definition => ({
  name: `recipe ${name}`,
  recipe: name,
  args: ['out=out', ...vars].flatMap((pair) => ['--set', pair]),
})

const file = (name: string, ...vars: readonly string[]): Definition => ({
  ...recipe(name),
  args: ['out=out/made.jsonl', ...vars].flatMap((pair) => ['--set', pair]),
})

export const RECIPES: readonly Definition[] = [
  recipe('helpsteer', 'source=DATA'),
  recipe('helpsteer2', 'source=DATA'),
  recipe('helpsteer2-helpfulness', 'source=DATA'),
  recipe('helpsteer2-preference', 'source=DATA'),
  { ...recipe('oasst', 'source=DATA'), holds: true },
  recipe('quickstart', 'source=DATA'),
  recipe('merge', 'oasst=DATA/oasst', 'helpsteer=DATA/helpsteer'),
  file('regression', 'in=DATA/conversations.jsonl'),
  { ...file('annotate', 'in=DATA/conversations.jsonl', 'server=SERVER'), asks: true },
]

/** The recipes that ship. */
export const SHIPPED = readdirSync(join(ROOT, 'pipelines'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))

const rows = (name: string, stages: string, more: Partial<Definition> = {}): Definition => ({
  name,
  yaml: `inputs: { rows: DATA/rows.jsonl }\nstages: [${stages}]`,
  ...more,
})

const PARTS = '{ train: 0.9, val: 0.1 }'
const DEAD = ['--on-error', 'dead-letter=out/set-aside.jsonl']
const LABELLED = 'template: helpsteer2, label-format'

export const OWN: readonly Definition[] = [
  rows('copied', 'parse, write: out/a.jsonl'),
  rows('shuffle python', 'parse, shuffle: { seed: 3 }, write: out/a.jsonl', { holds: true }),
  rows(
    'shuffle buckets',
    'parse, shuffle: { seed: 3, algorithm: buckets, memory: 1MB }, write: out/a.jsonl',
    { holds: true },
  ),
  rows('write, then shuffle', 'parse, write: out/a.jsonl, shuffle, write: out/b.jsonl', { holds: true }),
  rows('split by count', `parse, split: { parts: ${PARTS} }, write: 'out/\${part}.jsonl'`, { holds: true }),
  rows('split by hash', `parse, split: { parts: ${PARTS}, by: prompt }, write: 'out/\${part}.jsonl.gz'`),
  rows('dedupe', `parse, ${LABELLED}, dedupe: prompt, write: out/a.jsonl`, { holds: true }),
  rows('filter', `parse, ${LABELLED}, filter: 'helpfulness >= 3.0', repeat: 2, write: out/a.jsonl`),
  rows(
    'conversations and samples',
    `parse, ${LABELLED}, write: out/a.jsonl, regression-expand, write: out/b.jsonl.gz`,
  ),
  rows('limit', 'parse, limit: 1700, write: out/a.jsonl'),
  rows('write, then limit', 'parse, write: out/a.jsonl, limit: 700, write: out/b.jsonl'),
  rows('--limit', 'parse, write: out/a.jsonl', { args: ['--limit', '1500'] }),
  rows('skip and sample', 'parse, skip: 300, sample: { fraction: 0.4, seed: 5 }, write: out/a.jsonl'),
  rows('length', `parse, ${LABELLED}, length: { max-chars: 900, on: cut-turns }, write: out/a.jsonl`),
  rows('a pure map', 'parse, map: ./pure.mjs, write: out/a.jsonl'),
  rows('a map that keeps things', 'parse, map: ./impure.mjs, write: out/a.jsonl', { holds: true }),
  rows('ascii', 'parse, write: { to: out/a.jsonl, ascii: true }'),
  {
    name: 'gzip to gzip',
    yaml: 'inputs: { one: DATA/train.jsonl.gz, two: DATA/members.jsonl.gz }\nstages: [parse, repeat: 3, write: "out/${input}.jsonl.gz"]',
  },
  {
    name: 'several files, one empty',
    yaml: 'inputs: { all: [DATA/rows2.jsonl, /dev/null, DATA/members.jsonl.gz, DATA/rows3.jsonl] }\nstages: [parse, write: out/a.jsonl]',
  },
  {
    name: 'sources with stages of their own',
    yaml: `inputs:
  all:
    from:
      - { from: DATA/rows2.jsonl, stages: [write: out/own.jsonl.gz, sample: { fraction: 0.5, seed: 2 }] }
      - { from: DATA/rows3.jsonl, stages: [skip: 100, repeat: 2] }
      - { from: DATA/train.jsonl.gz, stages: [shuffle: { seed: 9 }] }
      - { from: DATA/pairs.jsonl, stages: [limit: 800, write: out/last.jsonl] }
    stages: [filter: 'source.helpfulness >= 1.0']
stages: [write: out/all.jsonl]`,
  },
  {
    name: 'interleave',
    yaml: `inputs:
  all:
    from:
      - { from: DATA/rows2.jsonl, weight: 2 }
      - { from: DATA/rows3.jsonl, stages: [write: out/own.jsonl] }
    order: interleave
    seed: 4
stages: [write: out/all.jsonl]`,
    holds: true,
  },
  {
    name: 'a document',
    yaml: 'inputs: { all: DATA/document.json }\nstages: [parse: { format: json, path: data }, write: out/a.jsonl]',
    holds: true,
  },
  {
    name: 'plain text',
    yaml: 'inputs: { all: DATA/lines.txt }\nstages: [parse: { format: lines, field: said }, write: out/a.jsonl]',
  },
  {
    name: 'flat messages',
    yaml: 'inputs: { all: DATA/flat.jsonl }\nstages: [parse, template: oasst, label-format, write: out/a.jsonl]',
    holds: true,
  },
  {
    name: 'pairs',
    yaml: `inputs: { all: DATA/pairs.jsonl }\nstages: [parse: { group: 2 }, ${LABELLED}, sample: 0.7, write: out/a.jsonl, split: { parts: ${PARTS}, by: prompt }, write: 'out/\${part}.jsonl']`,
  },
  {
    name: 'bad records skipped',
    yaml: `inputs: { bad: DATA/bad.jsonl }\nstages: [parse, ${LABELLED}, write: out/a.jsonl]`,
    args: ['--on-error', 'skip'],
  },
  {
    name: 'dead letters',
    yaml: `inputs: { bad: DATA/bad.jsonl, good: DATA/rows2.jsonl, more: [DATA/bad.jsonl, DATA/rows3.jsonl] }\nstages: [parse, ${LABELLED}, write: 'out/\${input}.jsonl', regression-expand, write: 'out/\${input}.gz']`,
    args: DEAD,
  },
  {
    name: 'few dead letters',
    yaml: 'inputs: { bad: DATA/rarely-bad.jsonl }\nstages: [parse, write: out/a.jsonl]',
    args: DEAD,
  },
  {
    name: 'dead letters of pairs',
    yaml: `inputs: { bad: DATA/bad.jsonl }\nstages: [parse: { group: 2 }, ${LABELLED}, filter: 'helpfulness >= 1.0', write: out/a.jsonl]`,
    args: DEAD,
  },
  {
    name: 'dead letters and shuffle',
    yaml: `inputs: { bad: DATA/bad.jsonl }\nstages: [parse, shuffle, ${LABELLED}, write: out/a.jsonl]`,
    args: DEAD,
    holds: true,
  },
  {
    name: 'dead letters of plain text',
    yaml: 'inputs: { bad: DATA/bad.jsonl }\nstages: [parse: { format: lines }, map: ./pure.mjs, write: out/a.jsonl]',
    args: DEAD,
  },
]

/** Modules for `map`, by their names. */
export const MODULES = {
  'pure.mjs':
    'export default { pure: true, map: (record) => (JSON.stringify(record).length % 7 === 0 ? null : { ...record, seen: true }) }\n',
  'impure.mjs': 'let count = 0\nexport default { map: (record) => ({ count: ++count, ...record }) }\n',
}

/** The text of a definition of the tests' own. */
export const yamlOf = ({ name, yaml }: Definition): string => `name: ${JSON.stringify(name)}\n${yaml}\n`

/** The inputs of the tests: made from a seed, in every form that the recipes and the tests' own definitions read. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Seeded } from '../support/seeded.js'

/** Bytes of an input, about: several times what is read at once, so that there are many moments in its middle. */
const BYTES = 2_500_000

const SCORES = ['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity']
const WORDS = 'one two three four fünf sechs 七 eight "nine" ten\n eleven zwölf 😀 \\n'.split(' ')

const line = (value: unknown): string => `${JSON.stringify(value)}\n`

/** A text of some hundred characters. Texts are drawn again now and then, so that there is something to dedupe. */
function text(random: Seeded, usual: number): string {
  const count = 5 + random.below(usual)
  return Array.from({ length: count }, () => random.pick(WORDS)).join(' ')
}

const scores = (random: Seeded): Record<string, number> =>
  Object.fromEntries(SCORES.map((name) => [name, random.below(5)]))

const row = (random: Seeded): unknown => ({
  prompt: random.below(8) === 0 ? `prompt ${random.below(40)}` : text(random, 40),
  response: text(random, 160),
  ...scores(random),
})

const preference = (random: Seeded): unknown => ({
  split: random.below(5) === 0 ? 'validation' : 'train',
  prompt: text(random, 40),
  response_1: text(random, 120),
  response_2: text(random, 120),
  preference_strength: random.below(7) - 3,
})

function conversation(random: Seeded): unknown {
  const turns = Array.from({ length: 2 * (1 + random.below(3)) }, (_, turn) =>
    turn % 2 === 0
      ? { value: text(random, 40), from: 'User', label: null }
      : {
          value: text(random, 120),
          from: 'Assistant',
          label: `quality:${random.below(5)},humor:${random.below(5)}`,
        },
  )
  return { conversations: turns, system: '', mask: 'User', type: 'VALUE_TO_TEXT' }
}

const OASST = ['quality', 'toxicity', 'humor', 'creativity', 'helpfulness']

/** A message with its replies, as trees have them. */
function message(random: Seeded, id: string, depth: number): Record<string, unknown> {
  const count = depth > 3 ? 0 : random.below(4 - depth)
  return {
    message_id: id,
    text: text(random, 60),
    role: depth % 2 === 0 ? 'prompter' : 'assistant',
    lang: 'en',
    replies: Array.from({ length: count }, (_, n) => ({
      ...message(random, `${id}.${n}`, depth + 1),
      parent_id: id,
    })),
    labels: Object.fromEntries(OASST.map((name) => [name, { value: random.below(5) / 4, count: 2 }])),
  }
}

const tree = (random: Seeded, id: number): Record<string, unknown> => ({
  message_tree_id: `t${id}`,
  tree_state: 'ready_for_export',
  prompt: message(random, `t${id}`, 0),
})

/** A tree's messages, a row each, parents first. */
function flat(random: Seeded, id: number): string {
  const rows: string[] = []
  const walk = ({ replies, ...rest }: Record<string, unknown>): void => {
    rows.push(line({ ...rest, message_tree_id: `t${id}` }))
    for (const reply of replies as Record<string, unknown>[]) walk(reply) // as `message` makes them
  }
  walk(message(random, `t${id}`, 0))
  return rows.join('')
}

/** Lines until there are enough. */
function many(seed: number, bytes: number, make: (random: Seeded, index: number) => string): string {
  const random = new Seeded(seed)
  const made: string[] = []
  for (let size = 0; size < bytes; ) {
    const next = make(random, made.length)
    size += next.length
    made.push(next)
  }
  return made.join('')
}

const rows = (seed: number, bytes = BYTES): string => many(seed, bytes, (random) => line(row(random)))

/** Rows of which some are bad: no JSON, no object, a field that is not there, bytes that are no UTF-8. */
function badRows(seed: number): Buffer {
  const whole = many(seed, BYTES, (random, index) => {
    if (index % 29 !== 0) return line(row(random))
    const bad = [
      '{"prompt": "no end\n',
      '[1, 2]\n',
      '{"prompt": "p"}\n',
      '{"prompt": "\u0000\u0000", "response": 3}\n',
      '\n',
    ]
    return random.pick(bad)
  })
  return spoilt(Buffer.from(whole), 300_000)
}

/** The bytes, with one here and there that is no UTF-8. */
function spoilt(bytes: Buffer, every: number): Buffer {
  for (let at = 100_000; at < bytes.length; at += every) {
    const found = bytes.indexOf('two', at)
    if (found >= 0) bytes[found] = 0xff
  }
  return bytes
}

/** Several members, cut anywhere. */
function members(plain: string, count: number): Buffer {
  const bytes = Buffer.from(plain)
  const size = Math.ceil(bytes.length / count)
  return Buffer.concat(
    Array.from({ length: count }, (_, n) => gzipSync(bytes.subarray(n * size, (n + 1) * size))),
  )
}

/** Makes all inputs in a folder. */
export function makeData(folder: string): void {
  const put = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    if (!existsSync(path)) writeFileSync(path, content)
  }
  const train = rows(1)
  put('rows.jsonl', train)
  put('rows2.jsonl', rows(2, BYTES / 2))
  put('rows3.jsonl', rows(3, BYTES / 2))
  put('train.jsonl.gz', gzipSync(train))
  put('validation.jsonl.gz', gzipSync(rows(4, BYTES / 4)))
  put('members.jsonl.gz', members(train, 7))
  put('preference/preference.jsonl.gz', gzipSync(many(5, BYTES, (random) => line(preference(random)))))
  put('2023-04-12_oasst_all.trees.jsonl.gz', gzipSync(many(6, BYTES, (random, id) => line(tree(random, id)))))
  put('flat.jsonl', many(7, BYTES, flat))
  put(
    'conversations.jsonl',
    many(8, BYTES, (random) => line(conversation(random))),
  )
  for (const [index, kind] of ['oasst', 'helpsteer'].entries()) {
    put(
      `${kind}/train.jsonl`,
      many(9 + index, BYTES / 2, (random) => line(conversation(random))),
    )
    put(
      `${kind}/val.jsonl`,
      many(11 + index, BYTES / 4, (random) => line(conversation(random))),
    )
  }
  put('bad.jsonl', badRows(13))
  // Bad ones are rare: most of what is read at once has none.
  put('rarely-bad.jsonl', spoilt(Buffer.from(rows(17)), 600_000))
  put(
    'document.json',
    `{"data": [${many(14, BYTES / 3, (random) => line(row(random)))
      .trimEnd()
      .replaceAll('\n', ',\n')}]}\n`,
  )
  put(
    'lines.txt',
    many(15, BYTES, (random) => `${text(random, 40).replaceAll('\n', ' ')}\n`),
  )
  // As `template` leaves pairs: two neighbouring records with one prompt.
  put(
    'pairs.jsonl',
    many(16, BYTES, (random, index) => {
      const prompt = `pair ${index} ${text(random, 20)}`
      const half = () => line({ prompt, response: text(random, 120), ...scores(random) })
      return half() + half()
    }),
  )
}

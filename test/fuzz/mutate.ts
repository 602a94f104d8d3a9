/**
 * What may happen to bytes on their way, and what somebody may do to them on purpose. Texts are one character a byte.
 */
import type { Random } from './random.js'

type Mutator = (text: string, random: Random, other: string) => string

const bytes = (text: string): string => Buffer.from(text).toString('latin1')

/** Bytes that mean something to a parser, and bytes that may never occur. */
const BYTES = [
  ...[
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '-',
    '.',
    'e',
    '0',
    ' ',
    '\t',
    '\n',
    '\r',
    '\0',
    '\x1f',
    '\x7f',
  ],
  ...[
    '\x80',
    '\xbf',
    '\xc0\x80',
    '\xed\xa0\x80',
    '\xe2\x82',
    '\xf0\x9f',
    '\xf4\x90\x80\x80',
    '\xff',
    '\xef\xbb\xbf',
  ],
  ...[
    '\r\n',
    '\n\n',
    '\n \n',
    '//',
    '/**/',
    "'",
    '`',
    '\x0b',
    '\x0c',
    bytes('\u2028'),
    bytes('\u00a0'),
    bytes('é'),
  ],
]
const ESCAPES = [
  ...['\\u001b[31m', '\\u009b2J', '\\u007f'],
  ...[
    '\\u0000',
    '\\ud800',
    '\\udc00',
    '\\uD83E\\uDD8A',
    '\\uDD8A\\uD83E',
    '\\u00',
    '\\u12G4',
    '\\x41',
    '\\',
    '\\/',
  ],
  ...['\\"', '\\\\', '\\n', '\\b', '\\u0022', '\\u005c', '\\u006d', '\\U0041', '\\a', '\\0', "\\'"],
]
const NUMBERS = [
  ...[
    '1e999',
    '-1e999',
    '1e-999',
    '-0',
    '-0.0',
    '00',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '0x10',
    '1_0',
    'NaN',
    'Infinity',
  ],
  ...['9007199254740993', '123456789012345678901234567890', '0.1000000000000000055511151231257827', '5e-324'],
  ...['1.7976931348623157e308', '1E+2', '4.0', '3e0', '1e16', '1e15', '0.0001', '0.00001', '9'.repeat(400)],
]
const VALUES = [
  'null',
  'true',
  'false',
  'True',
  '{}',
  '[]',
  '""',
  '"3"',
  '" 3 "',
  '[3]',
  '{"a":1}',
  'nil',
  '',
]
const KEYS = [
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'prototype',
    'length',
    '',
    '0',
    'then',
  ],
  ...[
    'prompt',
    'response',
    'conversations',
    'value',
    'from',
    'label',
    'scores',
    'mask',
    'quality',
    'text',
    'replies',
  ],
  ...[
    'promp\\u0074',
    'v\\u0061lue',
    'l\\u0061bel',
    'quality ',
    'QUALITY',
    bytes('qualité'),
    '\\u005f_proto__',
  ],
]
const LABELS = [
  ...[
    '',
    ',',
    ':',
    'a',
    'a:',
    ':1',
    'quality:',
    'quality:1,',
    ',quality:1',
    'quality:1,,humor:2',
    'quality:1:2:3',
  ],
  ...[
    'quality: 1 ',
    'quality:\\t1\\n',
    'quality:1 1',
    'quality:1e5',
    'quality:1e999',
    'quality:+1',
    'quality:.5',
  ],
  ...[
    'quality:1,quality:2',
    '__proto__:1',
    'constructor:1,quality:2',
    'toString:0',
    'quality:nan',
    'quality:0x1',
  ],
  ...[
    'quality:1_0',
    'quality:--1',
    `quality:${' '.repeat(500)}1`,
    `quality:${'1'.repeat(500)}`,
    ':'.repeat(500),
  ],
  ...[
    ','.repeat(500),
    'quality:1;humor:2',
    bytes('quality:１'),
    'quality:\\u0031',
    'q\\u0075ality:1',
    'quality:1\\ud800',
  ],
]

/** Puts a text in the place of one of those that a pattern finds. */
function replaceOne(text: string, pattern: RegExp, random: Random, make: (found: string) => string): string {
  const all = [...text.matchAll(pattern)]
  if (all.length === 0) return text
  const { index, 0: found } = random.pick(all)
  return text.slice(0, index) + make(found) + text.slice(index + found.length)
}

const NUMBER = /-?\d+(?:\.\d+)?/g
const STRING = /"(?:[^"\\\n]|\\.)*"(?!\s*:)/g
const KEY = /"(?:[^"\\\n]|\\.)*"(?=\s*:)/g
const MEMBER = /"(?:[^"\\\n]|\\.)*"\s*:\s*(?:"(?:[^"\\\n]|\\.)*"|[\w.+-]+)/g

const insert = (text: string, random: Random, what: string): string => {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + what + text.slice(at)
}

/** Where a short piece of a text begins and ends. */
const piece = (text: string, random: Random): [number, number] => {
  const start = random.below(text.length + 1)
  return [start, start + random.below(random.once(4) ? text.length - start + 1 : 8)]
}

/** A depth: mostly small, now and then round about what is allowed. */
const depth = (random: Random): number =>
  random.once(60) ? 99_990 + random.below(20) : random.pick([1, 2, 5, 60, 300])

function nested(random: Random): string {
  const levels = depth(random)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ])
  const inside = random.once(4) ? '' : open === '[' ? '' : '0'
  return open.repeat(levels) + inside + close.repeat(random.once(5) ? levels - 1 : levels)
}

const MUTATORS: readonly Mutator[] = [
  (text, random) => {
    const at = random.below(text.length)
    const flipped = (text.charCodeAt(at) || 0) ^ (1 << random.below(8))
    return text.slice(0, at) + String.fromCharCode(flipped) + text.slice(at + 1)
  },
  (text, random) => {
    const [start, end] = piece(text, random)
    return text.slice(0, start) + text.slice(end)
  },
  (text, random) => {
    const [start, end] = piece(text, random)
    return text.slice(0, end) + text.slice(start)
  },
  (text, random, other) => {
    const [start, end] = piece(other, random)
    return insert(text, random, other.slice(start, end))
  },
  (text, random, other) =>
    text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1)),
  (text, random) => text.slice(0, random.below(text.length + 1)),
  (text, random) => insert(text, random, random.pick(BYTES)),
  (text, random) => insert(text, random, random.pick(ESCAPES)),
  (text, random) =>
    replaceOne(text, STRING, random, (found) => insertInside(found, random, random.pick(ESCAPES))),
  (text, random) =>
    replaceOne(text, STRING, random, (found) => insertInside(found, random, random.pick(BYTES))),
  (text, random) => replaceOne(text, NUMBER, random, () => random.pick(NUMBERS)),
  (text, random) => replaceOne(text, NUMBER, random, () => random.pick(VALUES)),
  (text, random) => replaceOne(text, STRING, random, () => random.pick([...VALUES, ...NUMBERS])),
  (text, random) => replaceOne(text, STRING, random, () => `"${random.pick(LABELS)}"`),
  (text, random) =>
    replaceOne(text, /"label":\s*(?:"[^"\n]*"|null)/g, random, () => `"label":"${random.pick(LABELS)}"`),
  (text, random) => replaceOne(text, KEY, random, () => `"${random.pick(KEYS)}"`),
  (text, random) => replaceOne(text, MEMBER, random, (found) => `${found},${found}`),
  (text, random) =>
    replaceOne(
      text,
      MEMBER,
      random,
      (found) => `${found},"${random.pick(KEYS)}":${random.pick([...VALUES, ...NUMBERS])}`,
    ),
  (text, random) => replaceOne(text, STRING, random, () => nested(random)),
  (text, random) => replaceOne(text, /"/g, random, () => "'"),
  (text, random) => replaceOne(text, /[[\]{}]/g, random, () => random.pick(['[', ']', '{', '}'])),
  (text, random) =>
    replaceOne(text, /[,:]/g, random, (found) => random.pick([`${found}${found}`, ' ', ' , ', '\t:\r'])),
]

const insertInside = (quoted: string, random: Random, what: string): string =>
  `"${insert(quoted.slice(1, -1), random, what)}"`

/** Texts grow by doubling; more than this is no better. */
const LONGEST = 400_000

/** A text with one to four things done to it. @param other what pieces are taken from */
export function mutate(text: string, random: Random, other: string): string {
  let mutated = text
  for (let left = 1 + random.below(4); left > 0; left--) {
    if (mutated.length < LONGEST) mutated = random.pick(MUTATORS)(mutated, random, other)
  }
  return mutated
}

/** Whole lines of a file dropped, doubled, swapped, made blank, or with other ends; a mark at its start. */
export function mutateLines(lines: readonly string[], random: Random): string {
  const ends = random.pick(['\n', '\n', '\r\n', '\n\n', ' \n', '\r\n\t\n'])
  const list = lines.flatMap((line) => (random.once(8) ? [line, line] : random.once(8) ? [] : [line]))
  if (random.once(5)) list.reverse()
  const mark = random.once(8) ? '\xef\xbb\xbf' : ''
  return mark + list.join(ends) + (random.once(4) ? '' : ends)
}

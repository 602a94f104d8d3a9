/**
 * Generators of HelpSteer2 rows and of conversations, in odd spellings, some of them bad.
 */
import fc, { type Arbitrary } from 'fast-check'
import { jsonText, space, spelledText, spellWith } from './arbitraries.js'
import { type Member, slowLabel, slowText } from './slow.js'

/** A member as it is written, `"key" : value`. */
export interface WrittenMember extends Member {
  readonly written: string
}

/** An object's text: members with white space round them. */
const objectOf = (members: readonly WrittenMember[], seed: number): string => {
  const gap = ['', ' ', '\t', '\r ', ''][seed % 5]
  return `{${members.map(({ written }) => gap + written + gap).join(',') || gap}}`
}

const none = fc.constant<WrittenMember[]>([])
const seed = fc.nat({ max: 0xffffff })

/** A member with its key in some spelling. */
const member = (key: string, value: Arbitrary<string>): Arbitrary<WrittenMember> =>
  fc.tuple(value, space, seed).map(([json, gap, style]) => {
    // Most keys are spelled plainly.
    const spelled = style % 4 === 0 ? spellWith(key, style) : JSON.stringify(key).slice(1, -1)
    return { key, json, written: `"${spelled}"${gap}:${gap}${json}` }
  })

const text = (maxLength = 12) => spelledText(maxLength).map(({ json }) => `"${json}"`)
const quoted = (texts: Arbitrary<string>) =>
  fc
    .tuple(texts, seed)
    .map(([plain, style]) => `"${style % 3 ? slowText(plain).slice(1, -1) : spellWith(plain, style)}"`)

/** Digits with no more than 15 of them in all, so that the slow way can tell their `repr`. */
const count = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.nat({ max: 9_999_999 })).map(String)
const fraction = fc.oneof(
  fc.constantFrom('.0', '.5', '.25', '.500', '.0001'),
  fc.nat({ max: 9_999_999 }).map((n) => `.${n}`),
)
const exponent = fc
  .tuple(
    fc.constantFrom('e', 'E'),
    fc.constantFrom('', '+', '-'),
    fc.constantFrom('', '0'),
    fc.nat({ max: 25 }),
  )
  .map((parts) => parts.join(''))

const jsonNumber = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    count,
    fc.oneof(fc.constant(''), fraction),
    fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: exponent }),
  )
  .map((parts) => parts.join(''))

const looseNumber = fc.oneof(
  { weight: 3, arbitrary: jsonNumber },
  {
    weight: 1,
    arbitrary: fc.constantFrom('+3', '.5', '5.', '007', ' 2 ', '\t1\n', '-0', '+.5e-7', ' -4.0', '1e22'),
  },
)

const score = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('0', '1', '2', '3', '4') },
  { weight: 6, arbitrary: jsonNumber },
  {
    weight: 2,
    arbitrary: fc.constantFrom('-0', '-0.0', '0e5', '123456789012345678901234567890', '1e-07', '5E+15'),
  },
  { weight: 4, arbitrary: quoted(looseNumber) },
)
const badScore = fc.constantFrom(
  ...[
    'true',
    'false',
    'null',
    '{}',
    '[]',
    '[3]',
    '""',
    '" "',
    '"x"',
    '"nan"',
    '"inf"',
    '"1_0"',
    '"0x1"',
    '"3,4"',
  ],
  ...['1e999', '-1E+400', '"1e999"', '"\\u0033x"', '"3\\u00a0"', '"1 2"'],
)
const scoreOrBad = fc.oneof({ weight: 60, arbitrary: score }, { weight: 1, arbitrary: badScore })
const names = [
  'quality',
  'toxicity',
  'humor',
  'creativity',
  'helpfulness',
  'correctness',
  'coherence',
  'complexity',
]
const scoreMember = fc.constantFrom(...names, 'verbosity').chain((name) => member(name, scoreOrBad))
const extra = fc.oneof(
  fc.constantFrom('id', 'Prompt', '', '__proto__', 'é', 'x"y').chain((key) => member(key, jsonText)),
  member('n', fc.constantFrom('12345678901234567890123', '1.0000', '-0', '1E5')),
)

/** A field that is there, and of the right type, most of the time. */
const mostly = (key: string, right: Arbitrary<string>, wrong: string[]): Arbitrary<WrittenMember[]> =>
  fc.oneof(
    { weight: 60, arbitrary: member(key, right).map((one) => [one]) },
    // Repeated: the last one counts.
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.array(member(key, fc.oneof(right, fc.constantFrom(...wrong))), { maxLength: 2 }),
          member(key, right),
        )
        .map(([earlier, last]) => [...earlier, last]),
    },
    { weight: 1, arbitrary: member(key, fc.constantFrom(...wrong)).map((one) => [one]) },
    { weight: 1, arbitrary: none },
  )

const NO_TEXT = ['null', '3', 'true', '["x"]', '{"x":"y"}']

/** A HelpSteer2 row: its members in the order in which they are written, and its line. */
export const helpSteerRow: Arbitrary<{ members: WrittenMember[]; line: string }> = fc
  .tuple(
    mostly('prompt', text(), NO_TEXT),
    mostly('response', text(), NO_TEXT),
    fc.array(scoreMember, { maxLength: 7 }),
    fc.oneof(none, fc.array(extra, { maxLength: 2 })),
    fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
    seed,
  )
  .map(([prompt, response, scores, extras, order, style]) => {
    const members = [...prompt, ...response, ...scores, ...extras]
      .map((one, i) => ({ one, rank: style % 2 ? i : order[i % 20] }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ one }) => one)
    return { members, line: objectOf(members, style) }
  })

const labelPart = fc
  .tuple(
    fc.constantFrom(...names, 'verbosity', 'unknown', '__proto__', ' quality', 'é'),
    looseNumber,
    fc.nat({ max: 9 }),
  )
  .map(([name, number, more]) => `${name}:${number}${more ? '' : ':what:ever'}`)
const badPart = fc.constantFrom(
  ...[
    '',
    'x',
    ':3',
    ':',
    'quality:',
    'quality:x',
    'quality: ',
    'quality:nan',
    'quality:1_0',
    'unknown:inf',
    'é:1e999',
  ],
)
const label = fc
  .array(fc.oneof({ weight: 80, arbitrary: labelPart }, { weight: 1, arbitrary: badPart }), { maxLength: 5 })
  .map((parts) => parts.join(','))

const speaker = quoted(fc.constantFrom('User', 'User', 'Assistant', 'Assistant', 'Bot', 'user', ''))

const turn = fc
  .tuple(
    mostly('from', speaker, NO_TEXT),
    mostly('value', text(), NO_TEXT),
    fc.oneof(
      { weight: 4, arbitrary: mostly('label', quoted(label), ['3', '[]', '{}']) },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom('null', '""')
          .chain((json) => member('label', fc.constant(json)).map((one) => [one])),
      },
    ),
    fc.oneof(
      { weight: 40, arbitrary: none },
      {
        weight: 2,
        arbitrary: member('scores', fc.constantFrom('{"quality":3}', '{}', 'null')).map((one) => [one]),
      },
      { weight: 8, arbitrary: extra.map((one) => [one]) },
    ),
    seed,
  )
  .map(([from, value, labels, extras, style]) => {
    const members =
      style % 2 ? [...value, ...from, ...labels, ...extras] : [...extras, ...labels, ...from, ...value]
    return objectOf(members, style)
  })

const arrayOf = (items: readonly string[]): string => `[${items.join(' , ')}]`
const turns = fc
  .array(
    fc.oneof(
      { weight: 120, arbitrary: turn },
      { weight: 1, arbitrary: fc.constantFrom('null', '[]', '"x"') },
    ),
    {
      maxLength: 5,
    },
  )
  .map(arrayOf)

const conversationWith = (list: Arbitrary<string>): Arbitrary<string> =>
  fc
    .tuple(
      mostly('conversations', list, ['null', '{}', '"x"']),
      mostly('mask', quoted(fc.constantFrom('User', 'User', 'User', 'Bot', '')), NO_TEXT),
      fc.oneof(none, mostly('system', fc.oneof(text(5), fc.constant('null')), ['3', '[]'])),
      fc.oneof(none, mostly('type', fc.constantFrom('"VALUE_TO_TEXT"', 'null'), ['3'])),
      fc.oneof(none, fc.array(extra, { maxLength: 2 })),
      seed,
    )
    .map(([conversations, mask, system, type, extras, style]) => {
      const list = [...conversations, ...system, ...mask, ...type]
      return objectOf(style % 2 ? [...extras, ...list] : [...list.reverse(), ...extras], style)
    })

/** A line with a conversation, labelled or not. */
export const conversationLine: Arbitrary<string> = conversationWith(turns)

const goodScore = fc.constantFrom(...names, 'verbosity', 'unknown').chain((name) => member(name, score))

/** A turn with scores (and perhaps labels beside them): as it is, and as `label-format` should write it. */
const scoredTurn = fc
  .tuple(
    fc.array(goodScore, { maxLength: 4 }),
    member('value', text()),
    member('from', speaker),
    fc.array(extra, { maxLength: 2 }),
    fc.oneof(
      { weight: 4, arbitrary: none },
      { weight: 1, arbitrary: member('label', text(4)).map((one) => [one]) },
    ),
    fc.constantFrom(0, 0, 0, 1),
    seed,
  )
  .chain(([scores, value, from, extras, labels, again, style]) => {
    const json = objectOf(scores, style)
    const { label: rendered } = slowLabel(new Map(scores.map(({ key, json }) => [key, json])))
    return member('scores', fc.constant(json)).map((scored) => {
      const earlier = again ? [{ ...scored, written: '"scores" : {"quality":1}' }] : []
      const members = [...earlier, value, ...labels, ...extras, scored, from]
      const written = `"label": ${slowText(rendered)}`
      const relabelled = members.map((one) => (one === scored ? { ...one, written } : one))
      // With more than one to replace the turn is put together anew.
      const kept = relabelled.filter((one) => one.written === written || !/^(label|scores)$/.test(one.key))
      const anew = `{${kept.map((one) => one.written).join(', ')}}`
      const after = kept.length < members.length ? anew : objectOf(relabelled, style)
      return { before: objectOf(members, style), after }
    })
  })

/** A conversation with scores: its line, and the line after `label-format`. */
export const scoredLine: Arbitrary<{ before: string; after: string }> = fc
  .tuple(fc.array(scoredTurn, { maxLength: 3 }), extra, member('mask', speaker), seed)
  .chain(([list, other, mask, style]) =>
    member('conversations', fc.constant('[]')).map((empty) => {
      const line = (items: readonly string[]) => {
        const conversations = { ...empty, written: empty.written.replace(/\[\]$/, () => arrayOf(items)) }
        return (
          ['', ' ', '\t'][style % 3] + objectOf([other, conversations, mask], style) + ['', ' \r'][style % 2]
        )
      }
      return { before: line(list.map(({ before }) => before)), after: line(list.map(({ after }) => after)) }
    }),
  )

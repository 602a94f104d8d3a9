/**
 * Open Assistant trees for the tests: in every form that they come in, and as the conversations that they give,
 * found out slowly and without any of steerpipe's code.
 */
import fc, { type Arbitrary } from 'fast-check'
import { type Spelled, spelledText } from '../support/arbitraries.js'
import { slowText } from '../support/slow.js'

/** A message of a tree. */
export interface Said {
  readonly id: string
  readonly text: Spelled<string>
  readonly role: 'prompter' | 'assistant'
  /** Names, and the JSON of their values; undefined where the message has no labels. */
  readonly labels: readonly (readonly [name: string, value: string])[] | undefined
  readonly replies: readonly Said[]
  /** How it is written that there are no replies. */
  readonly none: '"replies": null' | '"replies": []' | undefined
}

/** Values of labels, and the score that Python's `round(value * 4)` makes of each. */
export const ROUNDED: Readonly<Record<string, string>> = {
  '0': '0',
  '-0': '0',
  '1': '4',
  '0.0': '0',
  '-0.0': '0',
  '1.0': '4',
  '1e0': '4',
  '0.25': '1',
  '0.5': '2',
  '0.75': '3',
  '0.125': '0',
  '0.375': '2',
  '0.625': '2',
  '0.875': '4',
  '1.25E-1': '0',
  '-0.1': '0',
  '-0.125': '0',
  '-0.375': '-2',
  '0.3333333333333333': '1',
  '0.4166666666666667': '2',
  '0.08333333333333333': '0',
  '0.12499999999999999': '0',
  '0.12500000000000003': '1',
  '1e-400': '0',
  '12345678901234567890': '49382715604938271560',
  '2.5e20': '1000000000000000000000',
  '1e22': '40000000000000000000000',
}

/** The same without rounding. */
export const TIMES_FOUR: Readonly<Record<string, string>> = {
  '0': '0',
  '-0': '0',
  '3': '12',
  '0.0': '0.0',
  '-0.0': '-0.0',
  '0.125': '0.5',
  '0.3333333333333333': '1.3333333333333333',
  '0.1': '0.4',
  '1e-7': '4e-07',
  '1e22': '4e+22',
  '12345678901234567890': '49382715604938271560',
}

const FOUR = ['quality', 'toxicity', 'humor', 'creativity']
const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

/** A message, with as little said about it as a test wants. */
export function said(id: string, role: Said['role'], replies: readonly Said[] = []): Said {
  const text = `text of ${id}`
  return {
    id,
    text: { json: text, value: text },
    role,
    labels: [['quality', '0.5']],
    replies,
    none: undefined,
  }
}

/** A thread of so many messages, by turns; the first is the root. */
export function chain(length: number): Said {
  let message = said(`m${length - 1}`, length % 2 === 1 ? 'prompter' : 'assistant')
  for (let i = length - 2; i >= 0; i--)
    message = said(`m${i}`, i % 2 === 0 ? 'prompter' : 'assistant', [message])
  return message
}

// ----------------------------------------------------------------------------------------------- the forms

const members = (message: Said): string[] => [
  `"message_id": "${message.id}"`,
  `"text": "${message.text.json}"`,
  `"role":"${message.role}"`,
  '"emojis": {"text": 1, "+1": 2}',
]

const labelsOf = ({ labels }: Said): string[] =>
  labels === undefined
    ? []
    : [
        `"labels": {${labels.map(([name, value]) => `"${name}": {"value": ${value}, "count": 3}`).join(', ')}}`,
      ]

/** The message with its replies. A loop: the trees of the tests may be deep. */
export function messageJson(root: Said): string {
  const pieces: string[] = []
  const work: (Said | string)[] = [root]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (typeof next === 'string') {
      pieces.push(next)
      continue
    }
    const { replies, none } = next
    pieces.push(`{${members(next).join(', ')}`)
    const labels = labelsOf(next).map((json) => `, ${json}`)
    work.push(`${labels.join('')}}`)
    if (replies.length === 0) {
      if (none !== undefined) pieces.push(`, ${none}`)
      continue
    }
    work.push(']')
    for (let i = replies.length - 1; i >= 0; i--) {
      work.push(replies[i])
      if (i > 0) work.push(', ')
    }
    pieces.push(', "replies": [')
  }
  return pieces.join('')
}

/** A tree as the published files have it. */
export const treeLine = (root: Said): string =>
  `{"message_tree_id": "${root.id}", "tree_state": "growing", "prompt": ${messageJson(root)}}`

/** A tree that is its root. */
export const bareLine = (root: Said): string => messageJson(root)

/** The messages with their parents, depth first or level by level. */
export function* messagesOf(
  root: Said,
  order: 'depth' | 'breadth',
): Generator<[message: Said, parent?: Said]> {
  const work: [Said, Said?][] = [[root]]
  while (work.length > 0) {
    const next = order === 'depth' ? work.pop() : work.shift()
    if (next === undefined) return
    yield next
    const replies = next[0].replies.map((reply): [Said, Said] => [reply, next[0]])
    work.push(...(order === 'depth' ? replies.reverse() : replies))
  }
}

/** The messages of a tree, a line each. */
export const flatLines = (root: Said, order: 'depth' | 'breadth' = 'depth'): string[] =>
  [...messagesOf(root, order)].map(([message, parent]) => {
    const tied = parent === undefined ? [] : [`"parent_id": "${parent.id}"`]
    return `{${[...tied, `"message_tree_id": "${root.id}"`, ...members(message), ...labelsOf(message)].join(',')}}`
  })

/** The same as rows of a Parquet file have it: every row has every field, labels are columns. */
export const columnLines = (root: Said): string[] =>
  [...messagesOf(root, 'depth')].map(([message, parent]) => {
    const { labels } = message
    const columns =
      labels &&
      `{"name": [${labels.map(([name]) => `"${name}"`).join(',')}], "value": [${labels.map(([, value]) => value).join(', ')}], "count": [${labels.map(() => 1).join(',')}]}`
    const parentId = parent === undefined ? 'null' : `"${parent.id}"`
    const first = members(message).slice(0, 1)
    return `{${[...first, `"parent_id": ${parentId}`, ...members(message).slice(1), `"labels": ${columns ?? 'null'}`, `"message_tree_id": "${root.id}"`].join(', ')}}`
  })

// --------------------------------------------------------------------------------------------- the slow way

const scoresOf = (labels: NonNullable<Said['labels']>): string =>
  FOUR.flatMap((name) => {
    const value = labels.findLast(([label]) => label === name)?.[1]
    return value === undefined ? [] : [`${name}:${ROUNDED[value]}`]
  }).join(',')

function turnJson({ text, role, labels }: Said): string {
  const value = slowText(text.value)
  if (role === 'prompter') return `{"value": ${value}, "from": "User", "label": null}`
  const label = labels === undefined ? '' : `, "label": "${scoresOf(labels)}"`
  return `{"value": ${value}, "from": "Assistant"${label}}`
}

function pathsOf(message: Said): Said[][] {
  if (message.replies.length === 0) return [[message]]
  return message.replies.flatMap((reply) => pathsOf(reply).map((path) => [message, ...path]))
}

/** The lines that a tree gives, by recursion: for small ones. */
export const conversationLines = (root: Said): string[] =>
  pathsOf(root)
    .filter((path) => path.length > 1)
    .map(
      (path) =>
        `{"conversations": [${path.map(turnJson).join(', ')}], "system": ${JSON.stringify(SYSTEM)}, "mask": "User", "type": "VALUE_TO_TEXT"}`,
    )

// --------------------------------------------------------------------------------------------- random trees

const labelValue = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('0.125', '0.375', '0.625', '0.875') },
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(ROUNDED)) },
)
const label = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...FOUR), labelValue) },
  // Others are not looked at.
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('spam', 'helpfulness', '__proto__'),
      fc.constantFrom('null', '"x"', '1'),
    ),
  },
)

const message = fc.record({
  text: spelledText(6),
  role: fc.constantFrom<Said['role'][]>('prompter', 'assistant'),
  labels: fc.option(fc.array(label, { maxLength: 5 }), { nil: undefined, freq: 5 }),
  none: fc.constantFrom<Said['none'][]>('"replies": null', '"replies": []', undefined),
  /** Which of the messages before it this one replies to. */
  parent: fc.oneof(fc.constant('last' as const), fc.constant(0), fc.nat({ max: 1000 })),
})

/** A tree of any shape: deep, wide, and between. */
export const anyTree = (id: string, maxLength = 14): Arbitrary<Said> =>
  fc.array(message, { minLength: 1, maxLength }).map((list) => {
    const replies: Said[][] = list.map(() => [])
    const all = list.map(
      ({ parent: _, ...each }, i): Said => ({ ...each, id: `${id}-${i}`, replies: replies[i] }),
    )
    for (let i = 1; i < all.length; i++) {
      const { parent } = list[i]
      replies[parent === 'last' ? i - 1 : parent % i].push(all[i])
    }
    return all[0]
  })

/** Some trees, one after the other in a file. */
export const anyTrees: Arbitrary<Said[]> = fc
  .integer({ min: 0, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => anyTree(`t${i}`))))

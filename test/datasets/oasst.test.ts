/**
 * oasst: trees of messages to conversations; what a message may be, and what is refused.
 */
import { describe, expect, test } from 'vitest'
import { labelFormat, regressionExpand, type TemplateOptions, template } from '../../src/index.js'
import { counts, linesThrough, objectsThrough, refusal, SYSTEM } from '../stages/support.js'
import { ROUNDED, TIMES_FOUR } from './trees.js'

const oasst: TemplateOptions = { dataset: 'oasst' }

const label = (value: unknown) => ({ value, count: 3 })
const reply = { message_id: 'r', parent_id: 'p', text: 'a', role: 'assistant', replies: [] }
const prompt = { message_id: 'p', text: 'q', role: 'prompter', labels: {}, replies: [reply] }
const tree = (changes: object = {}) => ({
  message_tree_id: 't',
  tree_state: 'growing',
  prompt: { ...prompt, ...changes },
})
/** A tree whose one reply has other members. */
const answered = (changes: object) => tree({ replies: [{ ...reply, ...changes }] })
const labelled = (quality: unknown) => answered({ labels: { quality } })

/** The answer's turn, and its label, after `template` and `label-format`. */
async function answerOf(line: unknown, options: TemplateOptions = oasst): Promise<unknown> {
  const attributes = options.attributes
  const stages = [template(options), labelFormat(attributes && { attributes })]
  const [conversation] = await objectsThrough([line], ...stages)
  return (conversation as { conversations: unknown[] }).conversations[1]
}

test('a tree becomes a conversation for each thread, to the byte', async () => {
  const labels = { spam: label(0), creativity: label(0.625), quality: label(0.875), humor: label(1) }
  const again = { message_id: 's', text: 'a2', role: 'assistant', replies: null }
  const thanks = { message_id: 'u', text: 'ta', role: 'prompter', labels, replies: [] }
  const line = tree({ replies: [{ ...reply, labels, replies: [thanks] }, again] })
  const user = '{"value": "q", "from": "User", "label": null}'
  const rest = `"system": "${SYSTEM}", "mask": "User", "type": "VALUE_TO_TEXT"}`
  expect(await linesThrough([line], template(oasst))).toEqual([
    `{"conversations": [${user}, {"value": "a", "from": "Assistant", "scores": {"quality": 4, "humor": 4, "creativity": 2}}, {"value": "ta", "from": "User", "label": null}], ${rest}`,
    `{"conversations": [${user}, {"value": "a2", "from": "Assistant"}], ${rest}`,
  ])
  expect(await linesThrough([line], template(oasst), labelFormat())).toEqual([
    `{"conversations": [${user}, {"value": "a", "from": "Assistant", "label": "quality:4,humor:4,creativity:2"}, {"value": "ta", "from": "User", "label": null}], ${rest}`,
    `{"conversations": [${user}, {"value": "a2", "from": "Assistant"}], ${rest}`,
  ])
})

describe('labels', () => {
  test('none of the four: an empty label; no labels: no label', async () => {
    expect(await answerOf(answered({ labels: { spam: label(0) } }))).toEqual({
      value: 'a',
      from: 'Assistant',
      label: '',
    })
    expect(await answerOf(answered({ labels: {} }))).toEqual({ value: 'a', from: 'Assistant', label: '' })
    expect(await answerOf(answered({}))).toEqual({ value: 'a', from: 'Assistant' })
  })

  test.each(Object.entries(ROUNDED))('a value of %s is the score %s', async (json, score) => {
    const line = JSON.stringify(labelled(label('here'))).replace('"here"', json)
    expect(await answerOf(line)).toMatchObject({ label: `quality:${score}` })
  })

  test.each(Object.entries(TIMES_FOUR))('not rounded, %s is %s', async (json, score) => {
    const line = JSON.stringify(labelled(label('here'))).replace('"here"', json)
    expect(await answerOf(line, { ...oasst, round: 'none' })).toMatchObject({ label: `quality:${score}` })
  })

  test('others than the four, in the order of the option', async () => {
    const labels = { violence: label(0.25), quality: label(0.5), spam: label(null) }
    const attributes = ['quality', 'violence']
    const options = { ...oasst, labels: ['violence', 'quality'], attributes }
    const [line] = await linesThrough([answered({ labels })], template(options))
    expect(line).toContain('"scores": {"violence": 1, "quality": 2}')
    expect(await answerOf(answered({ labels }), options)).toMatchObject({ label: 'quality:2,violence:1' })
  })

  test('those that are not among the attributes are left to label-format, which counts them', async () => {
    const format = labelFormat({ attributes: ['humor'] })
    const labels = { quality: label(1), humor: label(0.5) }
    const attributes = ['humor']
    const [line] = await linesThrough([answered({ labels })], template({ ...oasst, attributes }), format)
    expect(line).toContain('"label": "humor:2"')
    expect(counts(format.counters).notes).toEqual({ 'unknown attribute dropped': 1 })
  })

  test('in columns', async () => {
    const labels = {
      name: ['humor', 'spam', 'quality', 'humor'],
      value: [0, null, 0.375, 0.75],
      count: [1, 1, 1, 1],
    }
    expect(await answerOf(answered({ labels }))).toMatchObject({ label: 'quality:2,humor:3' })
    expect(await answerOf(answered({ labels: { name: [], value: [] } }))).toMatchObject({ label: '' })
  })

  test('a label may be called `name`', async () => {
    const options = { ...oasst, labels: ['name'], attributes: ['name'] }
    expect(await answerOf(answered({ labels: { name: label(0.5) } }), options)).toMatchObject({
      label: 'name:2',
    })
  })
})

describe('messages', () => {
  test('threads of one message are left out, and counted', async () => {
    const stage = template(oasst)
    const lines = [
      tree({ replies: [] }),
      tree(),
      tree({ replies: null }),
      { message_id: 'p', text: 'q', role: 'prompter' },
    ]
    expect(await linesThrough(lines, stage)).toHaveLength(1)
    expect(counts(stage.counters)).toEqual({
      in: 4,
      out: 1,
      leftOut: {},
      notes: { 'thread of a single message': 3 },
    })
  })

  test('a root may be the assistant’s, and one speaker may go on', async () => {
    const line = tree({ role: 'assistant', replies: [reply, { ...reply, role: 'prompter' }] })
    const from = (await objectsThrough([line], template(oasst))).map((conversation) =>
      (conversation as { conversations: { from: string }[] }).conversations.map((turn) => turn.from),
    )
    expect(from).toEqual([
      ['Assistant', 'Assistant'],
      ['Assistant', 'User'],
    ])
  })

  test('a message may stand under `prompt`, as in the original tools', async () => {
    expect(await answerOf(tree({ replies: [{ prompt: reply }] }))).toMatchObject({ value: 'a' })
  })

  test('of a repeated key the last one counts', async () => {
    const line =
      '{"prompt":{},"prompt":{"text":"no","role":"?","replies":[1],"text":"q","role":"prompter","replies":[{"role":"assistant","text":"a","labels":null,"labels":{"quality":null,"quality":{"value":"x","value":1}}}]}}'
    expect(await answerOf(line)).toEqual({ value: 'a', from: 'Assistant', label: 'quality:4' })
  })

  test('system and speakers are options', async () => {
    const options = { ...oasst, system: 'Be "brief".', speakers: { user: 'Human', assistant: 'Bot' } }
    expect(await objectsThrough([tree()], template(options))).toMatchObject([
      { conversations: [{ from: 'Human' }, { from: 'Bot' }], mask: 'Human', system: 'Be "brief".' },
    ])
  })

  test('threads that begin alike give each its own regression samples', async () => {
    const labels = { quality: label(1) }
    const next = { message_id: 'n', text: 'more', role: 'prompter', replies: [] }
    const line = answered({ labels, replies: [next, { ...next, text: 'less' }] })
    const samples = await objectsThrough([line], template(oasst), labelFormat(), regressionExpand())
    expect(samples).toHaveLength(2)
    expect(samples[0]).toEqual(samples[1])
    expect(samples[0]).toMatchObject({ label: [4, ...Array(8).fill(-100)] })
  })
})

describe('what is refused', () => {
  const AT = { stage: 'template', place: { input: 'stream', line: 1, offset: 0 } }
  const inReply = ', in message "r" of tree "t"'
  const inPrompt = ', in message "p" of tree "t"'

  test.each<[string, unknown, string, string]>([
    ['labels of the answer null', answered({ labels: null }), 'WRONG_TYPE', `\`labels\` is null${inReply}`],
    ['labels of the prompt null', tree({ labels: null }), 'WRONG_TYPE', `\`labels\` is null${inPrompt}`],
    ['labels a list', answered({ labels: [] }), 'WRONG_TYPE', `\`labels\` is an array${inReply}`],
    ['a label null', labelled(null), 'WRONG_TYPE', `the label \`quality\` is null${inReply}`],
    ['a label a number', labelled(0.5), 'WRONG_TYPE', `the label \`quality\` is the number 0.5${inReply}`],
    [
      'a label without value',
      labelled({}),
      'MISSING_FIELD',
      `the label \`quality\` has no \`value\`${inReply}`,
    ],
    [
      'a value null',
      labelled(label(null)),
      'BAD_SCORE',
      `the value of the label \`quality\` is null${inReply}`,
    ],
    [
      'a value text',
      labelled(label('1')),
      'BAD_SCORE',
      `the value of the label \`quality\` is "1"${inReply}`,
    ],
    [
      'a value true',
      labelled(label(true)),
      'BAD_SCORE',
      `the value of the label \`quality\` is true${inReply}`,
    ],
    [
      'a user’s value null',
      tree({ labels: { humor: label(null) } }),
      'BAD_SCORE',
      `the value of the label \`humor\` is null${inPrompt}`,
    ],
    ['another role', answered({ role: 'system' }), 'BAD_TREE', `the role is "system"${inReply}`],
    ['a role that is no text', answered({ role: 1 }), 'WRONG_TYPE', `\`role\` is the number 1${inReply}`],
    ['a text that is none', answered({ text: null }), 'WRONG_TYPE', `\`text\` is null${inReply}`],
    [
      'replies that are no list',
      answered({ replies: {} }),
      'WRONG_TYPE',
      `\`replies\` is an object${inReply}`,
    ],
    [
      'a reply that is no object',
      tree({ replies: [null] }),
      'WRONG_TYPE',
      'a reply is null, in a message without an id of tree "t"',
    ],
    [
      'a reply without text',
      tree({ replies: [{ message_id: 'r', role: 'assistant' }] }),
      'MISSING_FIELD',
      `no \`text\`; it has "message_id", "role"${inReply}`,
    ],
    [
      'a reply without role',
      tree({ replies: [{ text: 'a', rule: 'assistant' }] }),
      'MISSING_FIELD',
      'no `role` (did you mean `rule`?); it has "text", "rule", in a message without an id of tree "t"',
    ],
    ['a prompt that is text', { prompt: 'q', response: 'a' }, 'WRONG_TYPE', '`prompt` is text'],
    ['another row', { question: 'q' }, 'MISSING_FIELD', 'no `text`; the row has "question"'],
    ['a bare tree', { ...prompt, role: 'x' }, 'BAD_TREE', 'the role is "x", in message "p" of tree "p"'],
    [
      'columns of other lengths',
      answered({ labels: { name: ['quality'], value: [1, 2] } }),
      'WRONG_TYPE',
      `\`labels\` has 1 names, but 2 values${inReply}`,
    ],
    [
      'columns without values',
      answered({ labels: { name: ['quality'] } }),
      'WRONG_TYPE',
      `\`labels\` has a list of names, but none of values${inReply}`,
    ],
    [
      'a value null in columns',
      answered({ labels: { name: ['quality'], value: [null] } }),
      'BAD_SCORE',
      `the value of the label \`quality\` is null${inReply}`,
    ],
  ])('%s', async (_name, line, code, found) => {
    const error = await refusal(line, template(oasst))
    expect(error).toMatchObject({ code, found, ...AT })
  })

  test.each(['1e308', '-1e308', '1e999', `5${'0'.repeat(307)}`])('%s times 4 is not finite', async (json) => {
    const line = JSON.stringify(labelled(label('here'))).replace('"here"', json)
    expect(await refusal(line, template(oasst))).toMatchObject({ code: 'BAD_SCORE', ...AT })
  })

  test('conversations', async () => {
    const error = await refusal({ conversations: [], mask: 'User' }, template(oasst))
    expect(error).toMatchObject({
      code: 'WRONG_RECORD',
      fix: expect.stringContaining('dataset: conversations'),
    })
  })

  test('a tree with a bad message gives nothing, the trees round it do', async () => {
    const stage = template(oasst, { onError: 'skip' })
    const bad = tree({ replies: [reply, { ...reply, replies: [{ ...reply, text: 1 }] }] })
    expect(await linesThrough([tree(), bad, tree()], stage)).toHaveLength(2)
    expect(counts(stage.counters)).toMatchObject({ in: 3, out: 2, leftOut: { WRONG_TYPE: 1 } })
  })
})

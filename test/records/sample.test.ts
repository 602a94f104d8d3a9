import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBytes } from '../../src/records/batch.js'
import { ChatText } from '../../src/records/chat-text.js'
import { type Conversation, readConversation } from '../../src/records/conversation.js'
import { Sample } from '../../src/records/sample.js'
import { SampleTexts } from '../../src/stages/regression-expand-texts.js'
import { recordsOf } from './support.js'

const value = fc.string({ maxLength: 30, unit: 'grapheme' })
const token = fc.string({ maxLength: 20, unit: 'grapheme' })
const settings = fc.record({
  tokens: fc.record({ system: token, user: token, assistant: token, label: token, end: token }),
  system: fc.constantFrom('constant' as const, 'record' as const),
  systemPrompt: value,
})
const line = fc.record({
  conversations: fc.array(fc.record({ from: fc.constantFrom('User', 'Assistant', 'é'), value }), {
    maxLength: 8,
  }),
  system: fc.option(value),
  mask: fc.constantFrom('User', 'é'),
})
const conversations = fc
  .array(line, { minLength: 1, maxLength: 4 })
  .map((lines) => recordsOf(lines.map((each) => JSON.stringify(each))).map(readConversation))

/** The samples of all turns of a conversation, and their texts as `ChatText` has them. */
function samplesOf(conversation: Conversation, fast: SampleTexts, slow: ChatText): [Sample, string][] {
  const pieces = fast.pieces(conversation)
  const samples: [Sample, string][] = []
  slow.upTo(conversation, (_turn, index, text) => {
    samples.push([new Sample(conversation.source, fast.upTo(pieces, index), '1.0'), text()])
  })
  return samples
}

test('the texts of samples are those of the chat template', () => {
  fc.assert(
    fc.property(conversations, settings, (list, given) => {
      const [fast, slow] = [new SampleTexts(given), new ChatText(given)]
      for (const conversation of list) {
        for (const [sample, text] of samplesOf(conversation, fast, slow)) expect(sample.text).toBe(text)
      }
    }),
    { numRuns: 500 },
  )
})

test('samples are written alike whichever were written before', () => {
  fc.assert(
    fc.property(conversations, settings, fc.array(fc.nat(), { maxLength: 20 }), (list, given, picks) => {
      const [fast, slow] = [new SampleTexts(given), new ChatText(given)]
      const all = list.flatMap((conversation) => samplesOf(conversation, fast, slow))
      const chosen = all.length === 0 ? [] : picks.map((pick) => all[pick % all.length])
      const written = toBytes(chosen.map(([sample], i) => (i % 2 === 0 ? sample : sample.inPart('a'))))
      const expected = chosen.map(([, text]) => `{"text": "${text}", "label": [1.0]}\n`).join('')
      expect(written.toString('latin1')).toBe(expected)
      expect(chosen.map(([sample]) => `${sample.json()}\n`).join('')).toBe(expected)
    }),
    { numRuns: 500 },
  )
})

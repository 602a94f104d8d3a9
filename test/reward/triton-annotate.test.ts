/**
 * annotate against a real Triton: the bytes are those that the stand-in gives, so that what the other tests say of
 * the stand-in holds.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AnnotateOptions, annotate } from '../../src/index.js'
import { linesThrough } from '../stages/support.js'
import { type RewardServer, startRewardServer } from '../support/reward-server.js'
import { useTriton } from '../support/triton/index.js'

const AWKWARD = [
  '',
  'plain',
  'é\u2028\u2029 😀',
  '"quotes" \\ \n\t\r\b\f',
  '\u0002\u007f',
  '<extra_id_2>',
  'x'.repeat(70_000),
]

/** Conversations of one to three labelled turns over the awkward texts, some of them twice. */
const lines = Array.from({ length: 60 }, (_, i) => ({
  conversations: Array.from({ length: 2 + 2 * (i % 3) }, (_, turn) => ({
    value: `${AWKWARD[(i + turn) % AWKWARD.length]}${i % 5}`,
    from: turn % 2 ? 'Assistant' : 'User',
    label: turn % 2 ? (turn === 1 ? '' : 'helpfulness:1') : null,
  })),
  system: 'of its own',
  mask: 'User',
  type: 'VALUE_TO_TEXT',
}))

describe.each([
  ['as it is', {}],
  ['with the output that old servers have', { exceeded: true }],
])('a real Triton, %s', (_name, options) => {
  const triton = useTriton({ batch: 16, ...options })
  let standIn: RewardServer

  beforeAll(async () => {
    standIn = await startRewardServer(options)
  })
  afterAll(() => standIn.close())

  test.for<[string, Partial<AnnotateOptions>]>([
    ['by default', {}],
    ['with several texts in a request', { maxBatch: 5 }],
    ['with all that can be kept', { keep: { human: true, raw: true }, round: 'none', turns: 'assistant' }],
  ])('gives the same bytes, %s', async ([, more], context) => {
    const { url } = triton(context)
    const [real, ours] = await Promise.all(
      [url, standIn.url].map((server) => linesThrough(lines, annotate({ server, ...more }))),
    )
    expect(real).toEqual(ours)
    expect(real).toHaveLength(lines.length)
    expect(real[0]).toMatch(/"label": ?"quality:-?[0-9.]+,toxicity:/)
  })
})

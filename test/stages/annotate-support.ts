/**
 * What the tests of `annotate` share: servers that end with their test, conversations, and what is to come out.
 */
import { onTestFinished, vi } from 'vitest'
import { type AnnotateOptions, annotate, type StageSettings } from '../../src/index.js'
import { type RewardServer, type RewardServerOptions, startRewardServer } from '../support/reward-server.js'
import { scoresOf } from '../support/stand-ins/scores.js'
import { linesThrough, SYSTEM } from './support.js'

export const NINE = [
  'quality',
  'toxicity',
  'humor',
  'creativity',
  'helpfulness',
  'correctness',
  'coherence',
  'complexity',
  'verbosity',
]

/** A server for a test, closed after it. */
export async function server(options?: RewardServerOptions): Promise<RewardServer> {
  const started = await startRewardServer(options)
  onTestFinished(() => started.close())
  return started
}

/** A conversation in which each answer has a label; all of one name have the same first turns. */
export function conversation(name: string, turns = 2): { conversations: Turn[]; mask: string } {
  return {
    conversations: Array.from({ length: turns }, (_, index) =>
      index % 2 === 0
        ? { from: 'User', value: `${name}, question ${index}`, label: null }
        : { from: 'Assistant', value: `${name}, answer ${index}`, label: 'quality:1' },
    ),
    mask: 'User',
  }
}

export interface Turn {
  from: string
  value: string
  label?: string | null
}

/** Conversations that differ. */
export const conversations = (count: number, turns = 2) =>
  Array.from({ length: count }, (_, index) => conversation(`conversation ${index}`, turns))

/** The text that is sent for the turns up to one. */
export function textOf(
  { conversations: turns, mask }: { conversations: Turn[]; mask: string },
  upTo: number,
) {
  const spoken = turns
    .slice(0, upTo + 1)
    .map(({ from, value }) => `<extra_id_1>${from === mask ? 'User' : 'Assistant'}\n${value}\n`)
  return `<extra_id_0>System\n${SYSTEM}\n${spoken.join('')}<extra_id_2>`
}

/** A score as it stands in a label: within 0 to 4, and a whole number, halves the even one. */
export function rounded(score: number): number {
  const within = Math.min(4, Math.max(0, score))
  const floor = Math.floor(within)
  const rest = within - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** The label that the text gets from the stand-ins. */
export const labelOf = (text: string, names: readonly string[] = NINE): string =>
  scoresOf(text, names.length)
    .map((score, index) => `${names[index]}:${rounded(score)}`)
    .join(',')

/** A conversation with the labels that it gets. */
export function labelled<C extends { conversations: Turn[]; mask: string }>(given: C, names = NINE): C {
  const turns = given.conversations.map((turn, index) =>
    typeof turn.label === 'string' ? { ...turn, label: labelOf(textOf(given, index), names) } : turn,
  )
  return { ...given, conversations: turns }
}

/** The objects that come out when `lines` go through `annotate`. */
export async function annotatedBy(
  options: AnnotateOptions,
  lines: readonly unknown[] | Buffer,
  settings: StageSettings = {},
): Promise<unknown[]> {
  return (await linesThrough(lines, annotate(options, settings))).map((line) => JSON.parse(line))
}

/** Sees to it that nothing is left over after a test: no rejection that nobody takes. */
export function watchRejections(): void {
  const rejections: unknown[] = []
  const take = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', take)
  onTestFinished(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', take)
    if (rejections.length > 0) throw new Error(`nobody took: ${rejections.join(', ')}`)
  })
}

/**
 * Waits for a promise in a time that runs fast: whoever waits for a second waits for some turns of the event loop.
 * Servers in this process live in it too.
 */
export async function hurried<T>(start: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  let over = false
  try {
    const promise = start().finally(() => {
      over = true
    })
    promise.catch(() => {}) // taken below
    while (!over) {
      // Bytes must have the time to go back and forth.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
      vi.advanceTimersByTime(10)
    }
    return await promise
  } finally {
    vi.useRealTimers()
  }
}

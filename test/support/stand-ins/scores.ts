import { crc32 } from 'node:zlib'

/** The attributes that the stand-ins score unless told otherwise. */
export const HEADS = ['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity'] as const

/**
 * What every stand-in answers for a text: a fixed function of its bytes, -1 to 5 in quarters, so that 32 bits hold
 * them exactly.
 */
export function scoresOf(text: string | Buffer, heads: number): number[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: heads }, (_, head) => (crc32(bytes, head + 1) % 25) / 4 - 1)
}

/** Scores after a softmax, for whoever forgets to ask for raw ones. */
export function probabilitiesOf(scores: readonly number[]): number[] {
  const powers = scores.map(Math.exp)
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

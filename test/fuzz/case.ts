/**
 * The cases of the fuzz suite: each is made from a seed and its number alone.
 */
import { mutate, mutateLines } from './mutate.js'
import { Random } from './random.js'
import { SHAPES, type Shape, seedLines } from './seeds.js'

/** A file that was tampered with. */
export interface Case {
  readonly shape: Shape
  readonly bytes: Buffer
  /** How the bytes are cut into chunks. */
  readonly chunks: readonly Buffer[]
}

/** What is mutated: each line by itself, many lines to a file; or a small file as a whole. */
export type Kind = 'lines' | 'file' | 'document'

/** The lines of a case of the kind `lines`. */
export const LINES_A_CASE = 25

/** A case. @param number from 0 */
export function makeCase(kind: Kind, seed: number, number: number): Case {
  const random = new Random(seed, number, kind.length)
  const shape = random.pick(SHAPES)
  const other = random.pick(seedLines(random.pick(SHAPES)))
  const line = () => random.pick(seedLines(shape))
  let text: string
  if (kind === 'lines') {
    text = Array.from({ length: LINES_A_CASE }, () => `${mutate(line(), random, other)}\n`).join('')
  } else {
    const lines = Array.from({ length: 1 + random.below(4) }, line)
    text =
      kind === 'file' ? mutateLines(lines, random) : `[${lines.join(random.pick([',', ' , ', ',\r\n']))}]`
    text = mutate(text, random, other)
  }
  const bytes = Buffer.from(text, 'latin1')
  return { shape, bytes, chunks: cut(bytes, random) }
}

/** Small files byte by byte now and then, the others at a few places. */
function cut(bytes: Buffer, random: Random): Buffer[] {
  const cuts =
    bytes.length < 400 && random.once(4)
      ? Array.from(bytes, (_, at) => at)
      : Array.from({ length: random.below(5) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length))
}

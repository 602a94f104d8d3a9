import { SteerpipeError } from '../errors.js'
import { ByteCache } from '../records/byte-cache.js'
import { type ByteWriter, constant } from '../records/byte-writer.js'
import type { DirectCore } from '../records/direct-core.js'
import type { JsonText } from '../records/json-text.js'
import type { Note, VectorFormat } from '../records/labels.js'
import { RawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'
import { SAMPLE_CLOSING, SAMPLE_LABEL, SAMPLE_OPENING } from '../records/sample.js'
import type { SampleTexts } from './regression-expand-texts.js'

/** What a label was read as. */
interface Vector {
  readonly bytes: Uint8Array
  readonly notes: readonly Note[]
}

/** {@link DirectCore} of `regression-expand`. */
export function directExpand(
  vectors: VectorFormat,
  texts: SampleTexts,
  note: (what: string) => void,
): DirectCore {
  const expansion = new DirectExpansion(vectors, texts, note)
  return (lines, out) => expansion.expand(lines, out)
}

class DirectExpansion {
  private readonly conversation = new RawConversation()
  private readonly known = new ByteCache<Vector>()
  /** Those of the turns of the conversation at hand. */
  private readonly vectors: (Vector | undefined)[] = []
  private readonly prompt: Uint8Array
  private readonly opening: Uint8Array
  private readonly end: Uint8Array

  constructor(
    private readonly format: VectorFormat,
    private readonly texts: SampleTexts,
    private readonly note: (what: string) => void,
  ) {
    this.prompt = Buffer.concat([SAMPLE_OPENING, texts.prompt])
    this.opening = Buffer.concat([SAMPLE_OPENING, constant(texts.opening)])
    this.end = Buffer.concat([texts.end, SAMPLE_LABEL])
  }

  expand(lines: RawLines, out: ByteWriter): number {
    const { conversation } = this
    if (!conversation.read(lines)) return -1
    let samples = 0
    for (let turn = 0; turn < conversation.count; turn++) {
      if (conversation.scores(turn) >= 0) return -1
      const label = conversation.label(turn)
      const vector = label < 0 ? undefined : this.vectorOf(lines, label)
      if (vector === null) return -1
      this.vectors[turn] = vector
      if (vector !== undefined) samples++
    }
    if (samples === 0) this.note('conversation without a label gave no sample')
    else this.write(lines, out)
    return samples
  }

  /** The vector of the label at a node; undefined if that is empty, null if it is none. */
  private vectorOf({ bytes, cells }: RawLines, node: number): Vector | undefined | null {
    const start = cells[node] + 1
    const end = cells[node + 1] - 1
    if (start === end) return undefined
    const known = this.known.get(bytes, start, end)
    if (known !== undefined) return known
    const label = Buffer.from(bytes.subarray(start, end)).toString('latin1') as JsonText // of a line without `\u`
    try {
      const { text, notes } = this.format.read(label)
      const vector = { bytes: constant(text), notes }
      this.known.set(bytes, start, end, vector)
      return vector
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return null
    }
  }

  private write(lines: RawLines, out: ByteWriter): void {
    const { conversation, vectors, texts } = this
    const { bytes, cells } = lines
    /** Where the last sample begins, how long the part is that the next one begins with, and how many turns are in it. */
    let begun = 0
    let length = 0
    let turns = 0
    for (let turn = 0; turn < conversation.count; turn++) {
      const vector = vectors[turn]
      if (vector === undefined) continue
      const start = out.size
      if (length > 0) out.again(begun, length)
      else this.open(lines, out)
      for (; turns <= turn; turns++) {
        const value = conversation.value(turns)
        const isUser = lines.areSame(conversation.from(turns), conversation.mask)
        out.add(isUser ? texts.user : texts.other).copy(bytes, cells[value] + 1, cells[value + 1] - 1)
      }
      begun = start
      length = out.size - start
      out.add(this.end).add(vector.bytes).add(SAMPLE_END)
      for (const what of vector.notes) this.note(what)
    }
  }

  /** Writes what stands before the first turn. */
  private open({ bytes, cells }: RawLines, out: ByteWriter): void {
    const { system } = this.conversation
    if (!this.texts.takesOwnPrompt || system < 0) out.add(this.prompt)
    else out.add(this.opening).copy(bytes, cells[system] + 1, cells[system + 1] - 1)
  }
}

const SAMPLE_END = Buffer.concat([SAMPLE_CLOSING, constant('\n')])

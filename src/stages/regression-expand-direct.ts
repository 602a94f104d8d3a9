import { SteerpipeError } from '../errors.js'
import { type ByteWriter, constant } from '../records/byte-writer.js'
import { DigitForms, type Made } from '../records/digit-forms.js'
import { type DirectMaking, LEFT } from '../records/direct.js'
import type { JsonText } from '../records/json-text.js'
import type { Note, VectorFormat } from '../records/labels.js'
import { RawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'
import { SAMPLE_CLOSING, SAMPLE_LABEL, SAMPLE_OPENING } from '../records/sample.js'
import type { SampleTexts } from './regression-expand-texts.js'

/** The work of `regression-expand`, for conversations whose labels have forms that are seen again and again. */
export function directExpand(
  vectors: VectorFormat,
  texts: SampleTexts,
  note: (what: string) => void,
): DirectMaking {
  const expansion = new DirectExpansion(vectors, texts, note)
  return { does: 'make', core: (lines, out) => expansion.expand(lines, out) }
}

const SAMPLE_END = Buffer.concat([SAMPLE_CLOSING, constant('\n')])

/** The form of a turn that has no label. */
const UNLABELLED = -1

class DirectExpansion {
  private readonly conversation = new RawConversation()
  /** What stands in a sample behind the last turn, by the form of the label. */
  private readonly endings: DigitForms<Note>
  /** The forms of the labels of the conversation at hand. */
  private readonly forms: number[] = []
  /** What a sample begins with: up to the end of the system prompt, and up to its start. */
  private readonly prompt: Uint8Array
  private readonly opening: Uint8Array

  constructor(
    vectors: VectorFormat,
    private readonly texts: SampleTexts,
    private readonly note: (what: string) => void,
  ) {
    this.prompt = Buffer.concat([SAMPLE_OPENING, texts.prompt])
    this.opening = Buffer.concat([SAMPLE_OPENING, constant(texts.opening)])
    const before = Buffer.concat([texts.end, SAMPLE_LABEL])
    this.endings = new DigitForms((label) => endingOf(label, vectors, before))
  }

  expand(lines: RawLines, out: ByteWriter): number {
    const { conversation, forms } = this
    const { cells, view } = lines
    if (!conversation.read(lines)) return LEFT
    let samples = 0
    for (let turn = 0; turn < conversation.count; turn++) {
      if (conversation.scores(turn) >= 0) return LEFT
      forms[turn] = UNLABELLED
      const label = conversation.label(turn)
      // An empty one is none.
      if (label < 0 || cells[label + 1] - cells[label] === 2) continue
      const form = this.endings.find(view, cells[label] + 1, cells[label + 1] - 1)
      if (form < 0) return LEFT
      forms[turn] = form
      samples++
    }
    if (samples === 0) this.note('conversation without a label gave no sample')
    else this.write(lines, out)
    return samples
  }

  private write(lines: RawLines, out: ByteWriter): void {
    const { conversation, texts, forms, endings } = this
    const { cells, view } = lines
    // Where the last sample begins, how long the part is that the next one begins with, and how many turns are in it.
    let begun = 0
    let length = 0
    let turns = 0
    for (let turn = 0; turn < conversation.count; turn++) {
      const form = forms[turn]
      if (form === UNLABELLED) continue
      const start = out.size
      if (length > 0) out.again(begun, length)
      else this.open(lines, out)
      for (; turns <= turn; turns++) {
        const value = conversation.value(turns)
        const isUser = lines.areSame(conversation.from(turns), conversation.mask)
        out.add(isUser ? texts.user : texts.other).inside(lines, value)
      }
      begun = start
      length = out.size - start
      out.made(endings, form, view, cells[conversation.label(turn)] + 1)
      for (const what of endings.made(form).notes) this.note(what)
    }
  }

  /** Writes what stands before the first turn. */
  private open(lines: RawLines, out: ByteWriter): void {
    const { system } = this.conversation
    if (!this.texts.takesOwnPrompt || system < 0) out.add(this.prompt)
    else out.add(this.opening).inside(lines, system)
  }
}

/** What stands behind the last turn of a sample with a label; undefined if that is none. */
function endingOf(label: Buffer, vectors: VectorFormat, before: Uint8Array): Made<Note> | undefined {
  try {
    // Of a line without `\u` and `\/`: the canonical spelling.
    const { text, notes } = vectors.read(label.toString('latin1') as JsonText)
    return { bytes: Buffer.concat([before, constant(text), SAMPLE_END]), notes }
  } catch (error) {
    if (error instanceof SteerpipeError) return undefined
    throw error
  }
}

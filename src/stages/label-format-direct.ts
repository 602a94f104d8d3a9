import { SteerpipeError } from '../errors.js'
import { type ByteWriter, constant } from '../records/byte-writer.js'
import { scoresFrom } from '../records/conversation.js'
import { DigitForms, type Made } from '../records/digit-forms.js'
import { type DirectMaking, LEFT, type ScoresMember } from '../records/direct.js'
import type { LabelFormat, Note } from '../records/labels.js'
import { RawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'

/**
 * The work of `label-format` where labels are made of `scores`, for those that have forms which are seen again and again.
 *
 * @param formatFor makes what spells labels, and tells what it has to note
 */
export function directLabels(
  formatFor: (note: (note: Note) => void) => LabelFormat,
  note: (what: string) => void,
): DirectMaking {
  const labelling = new DirectLabelling(formatFor, note)
  return { does: 'make', core: (lines, out) => labelling.label(lines, out), member: labelling }
}

const LINE_END = constant('\n')

/** The form of a turn that has no scores. */
const UNSCORED = -1

class DirectLabelling implements ScoresMember {
  private readonly conversation = new RawConversation()
  /** The members `label` that take the place of scores, by the form of those. */
  private readonly labels: DigitForms<Note>
  /** The forms of the scores of the conversation at hand. */
  private readonly forms: number[] = []
  private readonly format: LabelFormat
  /** What was noted of the label that was made last. */
  private noted: Note[] = []

  constructor(
    formatFor: (note: (note: Note) => void) => LabelFormat,
    readonly note: (what: string) => void,
  ) {
    this.format = formatFor((each) => this.noted.push(each))
    this.labels = new DigitForms((scores) => this.of(scores.toString('latin1')))
  }

  of(scores: string): Made<Note> | undefined {
    this.noted = []
    const bytes = labelOf(scores, this.format)
    return bytes && { bytes, notes: this.noted }
  }

  label(lines: RawLines, out: ByteWriter): number {
    const { conversation, forms } = this
    const { cells, view } = lines
    if (!conversation.read(lines)) return LEFT
    for (let turn = 0; turn < conversation.count; turn++) {
      forms[turn] = UNSCORED
      const scores = conversation.scores(turn)
      if (scores < 0) continue
      const form = conversation.hasLabel(turn) ? -1 : this.labels.find(view, cells[scores], cells[scores + 1])
      if (form < 0) return LEFT
      forms[turn] = form
    }
    this.write(lines, out)
    return 1
  }

  /** Writes the line with the labels in the place of the scores. */
  private write(lines: RawLines, out: ByteWriter): void {
    const { conversation, forms, labels } = this
    const { bytes, cells, view } = lines
    let at = lines.start
    for (let turn = 0; turn < conversation.count; turn++) {
      const form = forms[turn]
      if (form === UNSCORED) continue
      const scores = conversation.scores(turn)
      // Its key stands right before it on the tape, without the quotes.
      out.copy(bytes, at, cells[scores - 2] - 1).made(labels, form, view, cells[scores])
      for (const what of labels.made(form).notes) this.note(what)
      at = cells[scores + 1]
    }
    out.copy(bytes, at, lines.end).add(LINE_END)
  }
}

/** The member that takes the place of scores; undefined if no label can be made of them. */
function labelOf(scores: string, format: LabelFormat): Uint8Array | undefined {
  try {
    return constant(`"label": "${format.render(scoresFrom(scores))}"`)
  } catch (error) {
    if (error instanceof SteerpipeError) return undefined
    throw error
  }
}

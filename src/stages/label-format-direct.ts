import { SteerpipeError } from '../errors.js'
import { ByteCache } from '../records/byte-cache.js'
import { type ByteWriter, constant } from '../records/byte-writer.js'
import { scoresFrom } from '../records/conversation.js'
import type { DirectCore } from '../records/direct-core.js'
import type { LabelFormat, Note } from '../records/labels.js'
import { RawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'

const LINE_END = constant('\n')

/** What the scores of a turn are made. */
interface Label {
  /** The member that takes their place. */
  readonly member: Uint8Array
  readonly notes: readonly Note[]
}

/**
 * {@link DirectCore} of `label-format`, where labels are made of `scores`.
 *
 * @param formatFor makes what spells labels, and tells what it has to note
 */
export function directLabels(
  formatFor: (note: (note: Note) => void) => LabelFormat,
  note: (what: string) => void,
): DirectCore {
  const labelling = new DirectLabelling(formatFor, note)
  return (lines, out) => labelling.label(lines, out)
}

class DirectLabelling {
  private readonly conversation = new RawConversation()
  private readonly format: LabelFormat
  /** What was noted of the label that is being made. */
  private noted: Note[] = []
  /** Labels by the objects of scores that they were made of. */
  private readonly known = new ByteCache<Label>()
  /** Those of the turns of the conversation at hand. */
  private readonly labels: (Label | undefined)[] = []

  constructor(
    formatFor: (note: (note: Note) => void) => LabelFormat,
    private readonly note: (what: string) => void,
  ) {
    this.format = formatFor((note) => this.noted.push(note))
  }

  label(lines: RawLines, out: ByteWriter): number {
    const { conversation, labels } = this
    if (!conversation.read(lines)) return -1
    for (let turn = 0; turn < conversation.count; turn++) {
      const scores = conversation.scores(turn)
      labels[turn] = undefined
      if (scores < 0) continue
      const label = conversation.hasLabel(turn) ? undefined : this.labelOf(lines, scores)
      if (label === undefined) return -1
      labels[turn] = label
    }
    this.write(lines, out)
    return 1
  }

  /** The label that is made of the scores at a node; undefined if none can be. */
  private labelOf({ bytes, cells }: RawLines, node: number): Label | undefined {
    const start = cells[node]
    const end = cells[node + 1]
    const known = this.known.get(bytes, start, end)
    if (known !== undefined) return known
    try {
      this.noted = []
      const scores = scoresFrom(Buffer.from(bytes.subarray(start, end)).toString('latin1'))
      const label = { member: constant(`"label": "${this.format.render(scores)}"`), notes: this.noted }
      this.known.set(bytes, start, end, label)
      return label
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return undefined
    }
  }

  /** Writes the line with the labels in the place of the scores. */
  private write(lines: RawLines, out: ByteWriter): void {
    const { conversation, labels } = this
    const { bytes, cells } = lines
    let at = lines.start
    for (let turn = 0; turn < conversation.count; turn++) {
      const label = labels[turn]
      if (label === undefined) continue
      const scores = conversation.scores(turn)
      // Its key stands right before it on the tape, without the quotes.
      out.copy(bytes, at, cells[scores - 2] - 1).add(label.member)
      for (const what of label.notes) this.note(what)
      at = cells[scores + 1]
    }
    out.copy(bytes, at, lines.end).add(LINE_END)
  }
}

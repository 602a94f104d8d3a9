import { type ByteWriter, constant, type Piece } from './byte-writer.js'
import type { JsonText } from './json-text.js'
import type { BaseRecord, JsonRecord } from './record.js'

/**
 * A text that is the beginning of a conversation's, and an end. It is not put together before somebody asks for it: the
 * samples of one conversation begin alike, and are written without that.
 */
export class BegunText {
  /**
   * @param pieces what the conversation's text is made of, escaped; more may be put at its end
   * @param count how many of them this text begins with
   * @param end what stands behind them, escaped
   */
  constructor(
    private readonly pieces: readonly Piece[],
    private readonly count: number,
    private readonly end: Uint8Array,
  ) {}

  get whole(): JsonText {
    let text = ''
    for (const piece of this.pieces.slice(0, this.count)) text += textOf(piece)
    return (text + textOf(this.end)) as JsonText // of escaped pieces
  }

  writeTo(out: ByteWriter): void {
    out.beginning(this.pieces, this.count).add(this.end)
  }
}

const textOf = (piece: Piece): string =>
  typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1')

// What stands around the text and the vector of a sample.
export const SAMPLE_OPENING = constant('{"text": "')
export const SAMPLE_LABEL = constant('", "label": [')
export const SAMPLE_CLOSING = constant(']}')

/** A regression sample: the conversation's text up to a labelled turn, and that turn's scores. */
export class Sample implements BaseRecord {
  readonly kind = 'sample'
  part: string | null = null

  /**
   * @param given the text, escaped
   * @param vector the scores as the inside of a JSON array, `4.0, -100.0, …`
   */
  constructor(
    readonly source: JsonRecord,
    private readonly given: JsonText | BegunText,
    readonly vector: string,
  ) {}

  /** The text, escaped. */
  get text(): JsonText {
    return typeof this.given === 'string' ? this.given : this.given.whole
  }

  inPart(part: string | null): Sample {
    const copy = new Sample(this.source, this.given, this.vector)
    copy.part = part
    return copy
  }

  json(): string {
    return `{"text": "${this.text}", "label": [${this.vector}]}`
  }

  writeTo(out: ByteWriter): void {
    const { given } = this
    out.add(SAMPLE_OPENING)
    if (typeof given === 'string') out.text(given)
    else given.writeTo(out)
    out.add(SAMPLE_LABEL).text(this.vector).add(SAMPLE_CLOSING)
  }
}

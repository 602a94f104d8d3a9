import type { ByteWriter } from './byte-writer.js'
import type { JsonText } from './json-text.js'
import type { BaseRecord, JsonRecord } from './record.js'

/** A regression sample: the conversation's text up to a labelled turn, and that turn's scores. */
export class Sample implements BaseRecord {
  readonly kind = 'sample'
  part: string | null = null

  /**
   * @param text the text, escaped
   * @param vector the scores as the inside of a JSON array, `4.0, -100.0, …`
   */
  constructor(
    readonly source: JsonRecord,
    readonly text: JsonText,
    readonly vector: string,
  ) {}

  inPart(part: string | null): Sample {
    const copy = new Sample(this.source, this.text, this.vector)
    copy.part = part
    return copy
  }

  json(): string {
    return `{"text": "${this.text}", "label": [${this.vector}]}`
  }

  writeTo(out: ByteWriter): void {
    out.text('{"text": "').text(this.text).text('", "label": [').text(this.vector).text(']}')
  }
}

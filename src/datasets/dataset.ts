import type { Attribute } from '../records/attributes.js'
import type { Conversation } from '../records/conversation.js'
import type { JsonText } from '../records/json-text.js'
import type { JsonRecord } from '../records/record.js'

/** What a data set is told when rows are made into conversations. */
export interface TemplateSettings {
  readonly attributes: readonly Attribute[]
  /** The system prompt of each conversation. */
  readonly system: JsonText
  /** The user's name in `from`, and the mask. */
  readonly user: JsonText
  readonly assistant: JsonText
  /** Counts something that goes through and should be told all the same. */
  readonly note: (what: string) => void
}

/** Makes conversations of one row. @throws SteerpipeError for a row that does not fit the schema */
export type RowReader = (row: JsonRecord, emit: (conversation: Conversation) => void) => void

/** A source's schema. It knows nothing of streams. */
export interface DataSet {
  readonly name: string
  /** One line: the fields that a row needs. */
  readonly summary: string
  /** The parts that its rows belong to, if they say so. */
  readonly parts?: readonly string[]
  /** Whether the conversations of one row belong together. */
  readonly bindsRow?: boolean
  readonly open: (settings: TemplateSettings) => RowReader
}

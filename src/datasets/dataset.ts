import type { Attribute } from '../records/attributes.js'
import type { Conversation } from '../records/conversation.js'
import type { DirectMaking } from '../records/direct.js'
import type { Gathers } from '../records/gathers.js'
import type { JsonText } from '../records/json-text.js'
import type { RoundPolicy } from '../records/labels.js'
import type { JsonRecord } from '../records/record.js'

/** What a data set is told when rows are made into conversations. */
export interface TemplateSettings {
  readonly attributes: readonly Attribute[]
  /** The system prompt of each conversation. */
  readonly system: JsonText
  /** The user's name in `from`, and the mask. */
  readonly user: JsonText
  readonly assistant: JsonText
  /** Whether a prompt that holds several turns becomes several turns. */
  readonly splitTurns: boolean
  /** The labels of a message that become scores. */
  readonly labels: readonly string[]
  /** Whether these scores are rounded. */
  readonly round: RoundPolicy
  /** Counts something that goes through and should be told all the same. */
  readonly note: (what: string) => void
}

/** Options that only some data sets know. */
export type DataSetOption = 'splitTurns' | 'labels' | 'round'

/** Makes conversations of rows. */
export interface RowReader {
  /** @throws SteerpipeError for a row that does not fit the schema */
  (row: JsonRecord, emit: (conversation: Conversation) => void): void
  /** Of a schema in which several rows give their conversations together. */
  readonly gathers?: Gathers<JsonRecord, Conversation>
  /** The same work from bytes to bytes. */
  readonly direct?: DirectMaking | undefined
}

/** A source's schema. It knows nothing of streams. */
export interface DataSet {
  readonly name: string
  /** One line: the fields that a row needs. */
  readonly summary: string
  /** The options that it knows beside those of every data set. */
  readonly takes?: readonly DataSetOption[]
  /** The parts that its rows belong to, if they say so. */
  readonly parts?: readonly string[]
  /** Whether the conversations of one row belong together. */
  readonly bindsRow?: boolean
  /** The member of a row that gives its conversations by itself, not with others. Undefined if all rows do. */
  readonly aloneWith?: JsonText
  readonly open: (settings: TemplateSettings) => RowReader
}

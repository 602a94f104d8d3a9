import { SteerpipeError } from '../errors.js'
import type { Attribute } from '../records/attributes.js'
import type { AnyRecord } from '../records/batch.js'
import { type ConversationParts, readConversation, scoreJson, type Turn } from '../records/conversation.js'
import { charCount, decode, encode, type JsonText } from '../records/json-text.js'
import { type PlainValue, plainValue } from '../records/plain-value.js'
import { rawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'
import type { JsonRecord } from '../records/record.js'
import { lastScored, ScoreReader } from '../records/scores.js'
import { asConversation } from './as-conversation.js'
import { PartsAsTheyLie, TurnAsItLies } from './raw-parts.js'

/** What every expression may name, with its type in CEL. Attributes come on top of it. */
export const SUBJECT_TYPES = {
  turns: 'list<Turn>',
  speakers: 'list<string>',
  system: 'string',
  mask: 'string',
  source: 'map<string, dyn>',
  part: 'string',
  chars: 'int',
  scores: 'Scores',
} as const

/** What every turn has, with its type in CEL. */
export const TURN_TYPES = {
  from: 'string',
  value: 'string',
  label: 'string',
  chars: 'int',
  scores: 'Scores',
} as const

/** Which fields of the source an expression looks at. */
export type SourceFields = readonly string[] | 'all'

const VALUES = Symbol('values')
const CONVERSATIONS = encode('conversations')

/** Scores by their attribute's name, as an expression sees them; each filter has a subclass with the names. */
export class ScoresView {
  readonly [VALUES]: readonly number[]

  constructor(values: readonly number[]) {
    this[VALUES] = values
  }
}

/** A turn, as an expression sees it; each filter has a subclass with the attributes' names. */
export class TurnView {
  readonly #turn: Turn
  readonly #subject: Subject

  constructor(turn: Turn, subject: Subject) {
    this.#turn = turn
    this.#subject = subject
  }

  get from(): string {
    return decode(this.#turn.from)
  }

  get value(): string {
    return decode(this.#turn.value)
  }

  get label(): string {
    return decode(this.#turn.label ?? '')
  }

  get chars(): bigint {
    return BigInt(charCount(this.#turn.value))
  }

  get scores(): ScoresView {
    return this.#subject.scoresOf(this.#turn)
  }
}

/** What an expression sees of a record. It is one object for all records; its values are made when they are asked for. */
export class Subject {
  /** What was wrong with the record. CEL's `&&` and `||` may pass over an error; a bad record is one all the same. */
  fault: SteerpipeError | undefined
  /** The values by their names: the context that an expression is evaluated in. */
  readonly context: Readonly<Record<string, unknown>> = {}
  readonly turnView: new (
    turn: Turn,
    subject: Subject,
  ) => TurnView
  readonly scoresView: new (
    values: readonly number[],
  ) => ScoresView
  private readonly reader: ScoreReader
  private readonly keys: readonly JsonText[]
  private record: AnyRecord | undefined
  /** Null for a row that no conversation was made of yet. */
  private conversation: ConversationParts | null = null
  private lastScores: readonly number[] | undefined
  private turnViews: readonly TurnView[] | undefined
  private fields: ReadonlyMap<string, PlainValue> | undefined

  constructor(
    attributes: readonly Attribute[],
    private readonly sourceFields: SourceFields,
  ) {
    this.reader = new ScoreReader(attributes)
    this.keys = attributes.map(({ name }) => encode(name))
    this.scoresView = class extends ScoresView {}
    this.turnView = class extends TurnView {}
    const { context } = this
    // `Object.keys` does not tell the compiler which keys they are.
    for (const name of Object.keys(SUBJECT_TYPES) as (keyof typeof SUBJECT_TYPES)[]) {
      Object.defineProperty(context, name, { get: () => this[name] })
    }
    attributes.forEach(({ name }, slot) => {
      if (name in Object.prototype) return
      const { prototype } = this.scoresView
      Object.defineProperty(prototype, name, { get: byView((view: ScoresView) => view[VALUES][slot]) })
      if (!Object.hasOwn(TURN_TYPES, name)) {
        const get = byView((view: TurnView) => view.scores[VALUES][slot])
        Object.defineProperty(this.turnView.prototype, name, { get })
      }
      if (!Object.hasOwn(SUBJECT_TYPES, name)) {
        Object.defineProperty(context, name, { get: () => this.score(slot) })
      }
    })
  }

  /** Goes on to another record. @throws SteerpipeError for a conversation that is none, or a sample */
  take(record: AnyRecord): void {
    this.begin(record, isRow(record) ? null : asConversation(record))
  }

  /**
   * Goes on to a conversation as it lies, of which nothing may be asked then but what it says itself. Returns false if it
   * is none for that.
   */
  takeRaw(lines: RawLines): boolean {
    const conversation = rawConversation(lines)
    if (conversation === undefined || conversation.hasScores) return false
    this.begin(undefined, new PartsAsTheyLie(lines, conversation))
    return true
  }

  private begin(record: AnyRecord | undefined, conversation: ConversationParts | null): void {
    this.record = record
    this.conversation = conversation
    this.fault = undefined
    this.lastScores = undefined
    this.turnViews = undefined
    this.fields = undefined
  }

  get turns(): readonly TurnView[] {
    this.turnViews ??= this.needed().turns.map((turn) => new this.turnView(turn, this))
    return this.turnViews
  }

  get speakers(): readonly string[] {
    return this.needed().turns.map(({ from }) => decode(from))
  }

  get system(): string {
    return decode(this.needed().system ?? '')
  }

  get mask(): string {
    return decode(this.needed().mask)
  }

  get chars(): bigint {
    return BigInt(this.needed().turns.reduce((sum, { value }) => sum + charCount(value), 0))
  }

  get part(): string {
    return this.given.part ?? ''
  }

  get source(): ReadonlyMap<string, PlainValue> {
    this.fields ??= fieldsOf(this.given.source, this.sourceFields)
    return this.fields
  }

  get scores(): ScoresView {
    return new this.scoresView(
      this.conversation === null ? this.keys.map((_, slot) => this.score(slot)) : this.last(),
    )
  }

  /** The scores of one turn. @throws SteerpipeError BAD_LABEL, BAD_SCORE */
  scoresOf(turn: Turn): ScoresView {
    return new this.scoresView(this.noted(() => this.read(turn)))
  }

  private get given(): AnyRecord {
    if (this.record === undefined) throw new Error('an expression is evaluated before a record was taken')
    return this.record
  }

  private score(slot: number): number {
    if (this.conversation !== null) return this.last()[slot]
    const { source } = this.given
    const node = source.member(source.root, this.keys[slot])
    return node < 0 ? Number.NaN : this.noted(() => this.reader.readOne(scoreJson(source, node), slot))
  }

  /** The scores of the last turn that has some. */
  private last(): readonly number[] {
    this.lastScores ??= this.noted(() => this.read(this.lastScored()))
    return this.lastScores
  }

  private lastScored(): Turn | undefined {
    const { conversation } = this
    return conversation instanceof PartsAsTheyLie
      ? conversation.lastLabelled()
      : lastScored(this.needed().turns)
  }

  private read(turn: Turn | undefined): readonly number[] {
    return turn instanceof TurnAsItLies ? turn.readBy(this.reader) : this.reader.read(turn)
  }

  private needed(): ConversationParts {
    return this.conversation ?? this.noted(() => readConversation(this.given.source))
  }

  private noted<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (error instanceof SteerpipeError) this.fault ??= error
      throw error
    }
  }
}

/** A getter of the object that it is asked of. */
const byView = <View>(read: (view: View) => number) =>
  function (this: View): number {
    return read(this)
  }

/** Whether a record is one that no conversation was made of yet. */
const isRow = (record: AnyRecord): record is JsonRecord =>
  record.kind === 'json' && record.member(record.root, CONVERSATIONS) < 0

function fieldsOf(source: JsonRecord, wanted: SourceFields): ReadonlyMap<string, PlainValue> {
  const fields = new Map<string, PlainValue>()
  if (wanted === 'all') {
    const end = source.next(source.root)
    for (let at = source.first(source.root); at < end; at = source.next(at + 2)) {
      fields.set(decode(source.key(at)), plainValue(source, at + 2))
    }
    return fields
  }
  for (const name of wanted) {
    const node = source.member(source.root, encode(name))
    if (node >= 0) fields.set(name, plainValue(source, node))
  }
  return fields
}

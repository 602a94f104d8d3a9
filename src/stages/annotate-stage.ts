import * as z from 'zod'
import { isBehind, SteerpipeError } from '../errors.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import { ChatText } from '../records/chat-text.js'
import { type Conversation, cutTurns } from '../records/conversation.js'
import type { LeftOut } from '../records/left-out.js'
import type { Mark } from '../records/mark.js'
import type { Block } from '../records/record.js'
import type { Dispatcher } from '../reward/dispatcher.js'
import type { Proxies } from '../reward/endpoint.js'
import { Journal } from '../reward/journal.js'
import type { Scores } from '../reward/protocol.js'
import { statusOf, summaryOf } from '../reward/summary.js'
import type { AnnotateSettings } from './annotate.js'
import { questionsOf, type TurnQuestion, withScores } from './annotate-conversation.js'
import { asConversation } from './as-conversation.js'
import { CoreRunner } from './core.js'
import { settled } from './settled.js'
import type { StageContext } from './spec.js'
import { Stage, type StageDetails } from './stage.js'

/** Conversations that leave together: small enough that the window moves on in steps. */
const ENTRY_TEXTS = 64

/** Texts that are under way or wait for one before them, at the least, and for each one that servers have room for. */
const WINDOW = { texts: 2048, perRoom: 4, bytes: 64 * 1024 * 1024 }

/** A conversation whose scores are on their way. */
interface Pending {
  readonly conversation: Conversation
  readonly questions: readonly TurnQuestion[]
  answers: readonly Scores[]
  /** Turns that were cut off, so that it fits. */
  readonly turnsCut: number
}

/** Records that leave together. */
interface Entry {
  readonly records: readonly AnyRecord[]
  readonly unitEnds: readonly number[] | null
  readonly error: SteerpipeError | null
  /** What is known of each record: what it takes to annotate it, or why that cannot be. */
  readonly outcomes: Map<AnyRecord, Pending | Error>
  readonly texts: number
  readonly bytes: number
  /** Records among these that are dropped, and turns that were cut off. */
  readonly tooLong: number
  readonly turnsCut: number
  /** What came with the records, and goes on with them. */
  readonly leftOut: readonly LeftOut[]
  readonly mark: Mark | null
  /** Bytes of the journal when it was made: the answers to whatever comes later stand behind them. */
  readonly kept: number
  readonly done: Promise<void>
  complete: boolean
}

/** What came with the records of a batch. */
type Company = Pick<Batch, 'error' | 'leftOut' | 'mark'>

const NO_COMPANY: Company = { error: null, leftOut: [], mark: null }

/** What is remembered: how much of the journal is not needed any more. */
const savedMemory = z.strictObject({ kept: z.int() })

/** Errors that no record is to blame for: they end the stream whatever is done with bad records. */
const ENDS_RUN: ReadonlySet<string> = new Set([
  'SERVER_UNREACHABLE',
  'SERVER_WRONG',
  'SERVER_DENIED',
  'SERVER_FAILING',
])

/** Sends conversations to a reward server through a bounded window, and gives them in their order. */
export class AnnotateStage extends Stage {
  private readonly texts: ChatText
  private readonly heads: readonly string[]
  private readonly apiKey: string | undefined
  private readonly proxies: Proxies
  private readonly runner: CoreRunner<AnyRecord, Conversation>
  private dispatcher: Dispatcher | undefined
  private journal: Journal | undefined
  private readonly journalPath: string | undefined
  /** Bytes of the journal that are not needed: of the entry that is being given, or of the run before. */
  private kept = 0
  private readonly window: Entry[] = []
  private windowTexts = 0
  private windowBytes = 0
  /** Of the entry that is being given. */
  private outcomes: Entry['outcomes'] = new Map()

  constructor(
    private readonly settings: AnnotateSettings,
    context: StageContext,
  ) {
    const runner = new CoreRunner<AnyRecord, Conversation>({
      ...context,
      stage: 'annotate',
      open:
        ({ note }) =>
        (record, emit) =>
          emit(this.result(record, note)),
    })
    super('annotate', context, { work: runner })
    this.runner = runner
    this.texts = new ChatText(settings)
    const { env = process.env } = context
    this.journalPath = context.journal
    this.apiKey = apiKeyOf(settings, env)
    this.proxies = proxiesOf(env)
    this.heads = settings.heads ?? settings.attributes.map(({ name }) => name)
  }

  protected override saved(): unknown {
    return { kept: this.kept }
  }

  protected override takeBack(saved: unknown): void {
    this.kept = savedMemory.parse(saved).kept
  }

  override async sync(): Promise<void> {
    await this.journal?.sync()
  }

  /** What comes with the records waits for their turn with them. */
  protected override async handleBatch(batch: Batch): Promise<void> {
    if (this.ended) return
    await this.deliverAll(this.handle(batch))
  }

  protected override async *handle(batch: Batch): AsyncGenerator<Batch> {
    this.dispatcher ??= await this.open()
    // The stream may have been ended in the meantime.
    if (this.destroyed) await this.closeAll()
    for (const entry of this.entriesOf(batch)) {
      this.begin(entry)
      while (this.isFull()) {
        await this.window[0].done
        yield this.leave()
      }
    }
    while (this.window[0]?.complete) yield this.leave()
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    while (this.window.length > 0) {
      await this.window[0].done
      yield this.leave()
    }
    await this.closeAll()
  }

  private async closeAll(): Promise<void> {
    await this.dispatcher?.close()
    await this.journal?.close()
  }

  /** What speaks HTTP is loaded only when there is something to be asked. */
  private async open(): Promise<Dispatcher> {
    const { Dispatcher } = await import('../reward/dispatcher.js')
    const { PROTOCOLS } = await import('../reward/protocols/index.js')
    if (this.journalPath !== undefined) this.journal = new Journal(this.journalPath, this.kept)
    const { server, protocol, model, maxInFlight, maxBatch, requestTimeout, waitReady, cache } = this.settings
    return new Dispatcher({
      protocol: PROTOCOLS[protocol],
      addresses: server,
      model,
      heads: this.heads,
      mostInFlight: maxInFlight,
      mostTexts: maxBatch,
      timeout: requestTimeout,
      waitReady,
      cache,
      apiKey: this.apiKey,
      proxies: this.proxies,
      journal: this.journal,
    })
  }

  override status(): string | undefined {
    return this.dispatcher && statusOf(this.dispatcher)
  }

  override details(): StageDetails | undefined {
    return this.dispatcher && summaryOf(this.dispatcher)
  }

  // ------------------------------------------------------------------------------------------------ the window

  private isFull(): boolean {
    const most = Math.max(WINDOW.texts, (this.dispatcher?.appetite ?? 0) * WINDOW.perRoom)
    return this.windowTexts > most || this.windowBytes > WINDOW.bytes
  }

  /** The batch in pieces, whose questions are asked as each is made. */
  private *entriesOf({ records, unitEnds, error, leftOut, mark }: Batch): Generator<Entry> {
    // They may stand anywhere among the records: each goes with those that it was among.
    let before = leftOut
    let piece = new Piece(unitEnds !== null)
    let start = 0
    for (let unit = 0; start < records.length; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      const pending = records.slice(start, end).map((record) => this.prepare(record))
      if (pending.includes(TOO_LONG)) piece.tooLong += end - start
      else {
        for (let i = start; i < end; i++) piece.add(records[i], pending[i - start])
        piece.endUnit()
      }
      if (piece.texts >= ENTRY_TEXTS || piece.records.length >= ENTRY_TEXTS * 4) {
        const last = piece.records.at(-1)?.source.place
        const isBefore = ({ place }: LeftOut) => last !== undefined && (!place || !isBehind(place, last))
        yield this.entry(piece, { ...NO_COMPANY, leftOut: before.filter(isBefore) })
        before = before.filter((each) => !isBefore(each))
        piece = new Piece(unitEnds !== null)
      }
      start = end
    }
    if (piece.says || error !== null || before.length > 0 || mark !== null) {
      yield this.entry(piece, { error, leftOut: before, mark })
    }
  }

  private entry(piece: Piece, { error, leftOut, mark }: Company): Entry {
    const { records, unitEnds, outcomes, texts, bytes, tooLong, turnsCut } = piece
    const done = Promise.all(records.map((record) => this.settle(record, outcomes))).then(() => {
      entry.complete = true
      this.wake()
    })
    const kept = this.journal?.bytes ?? 0
    const entry: Entry = {
      ...{ records, unitEnds, outcomes, texts, bytes, tooLong, turnsCut },
      ...{ error, leftOut, mark, kept, done, complete: false },
    }
    return entry
  }

  private begin(entry: Entry): void {
    this.window.push(entry)
    this.windowTexts += entry.texts
    this.windowBytes += entry.bytes
  }

  /** Entries that are complete leave even if nothing more comes in for a while. */
  private wake(): void {
    if (!this.window[0]?.complete || this.destroyed) return
    this.queue(
      () => this.deliverAll(this.complete()),
      (error) => {
        if (error) this.destroy(error)
      },
    )
  }

  private *complete(): Generator<Batch> {
    while (this.window[0]?.complete) yield this.leave()
  }

  /** The first entry, annotated. */
  private leave(): Batch {
    const [entry] = this.window
    this.window.shift()
    this.windowTexts -= entry.texts
    this.windowBytes -= entry.bytes
    const { records, unitEnds, outcomes, tooLong, turnsCut, leftOut, mark } = entry
    this.outcomes = outcomes
    if (tooLong > 0) {
      this.counters.in += tooLong
      this.counters.drop('text too long', tooLong)
    }
    if (turnsCut > 0) this.counters.note('turns cut', turnsCut)
    const stopped = records.findIndex((record) => endsRun(outcomes.get(record)))
    const batch = stopped < 0 ? new Batch(records, unitEnds) : unitsBefore(stopped, records, unitEnds)
    const error = stopped < 0 ? entry.error : outcomes.get(records[stopped])
    if (error instanceof SteerpipeError) {
      batch.error = stopped < 0 ? error : error.at(records[stopped].source.place, 'annotate')
    }
    const result = this.runner.run(batch)
    result.leftOut = leftOut
    this.kept = entry.kept
    if (mark !== null && result.error === null && this.noteOn(mark)) result.mark = mark
    // What is behind an error does not leave any more.
    if (result.error !== null) this.window.length = 0
    return result
  }

  // ------------------------------------------------------------------------------------------------ one record

  /** What is to be asked about a record, or why nothing can be. */
  private prepare(record: AnyRecord): Prepared {
    const { turns, maxChars = Number.POSITIVE_INFINITY, onLong } = this.settings
    try {
      let conversation = settled(asConversation(record))
      let questions = questionsOf(conversation, turns, this.texts)
      let cut = 0
      while (questions.some(({ chars }) => chars > maxChars)) {
        if (onLong === 'skip') return TOO_LONG
        if (onLong === 'error') throw tooLong(questions, maxChars)
        const [first] = questions.filter(({ chars }) => chars > maxChars)
        const kept = keptTurns(conversation, first.turn)
        if (kept === 0) return TOO_LONG
        cut += conversation.turns.length - kept
        conversation = settled(cutTurns(conversation, kept))
        questions = questionsOf(conversation, turns, this.texts)
      }
      return { conversation, questions, answers: [], turnsCut: cut }
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return error
    }
  }

  /** Waits for the answers about a record. */
  private async settle(record: AnyRecord, outcomes: Entry['outcomes']): Promise<void> {
    const pending = outcomes.get(record)
    if (pending === undefined || pending instanceof Error || !this.dispatcher) return
    const { dispatcher } = this
    try {
      pending.answers = await Promise.all(pending.questions.map((question) => dispatcher.score(question)))
    } catch (error) {
      // What is none of ours is a defect, which is thrown when the record's turn comes.
      outcomes.set(record, error instanceof Error ? error : new Error(String(error)))
    }
  }

  private result(record: AnyRecord, note: (what: string) => void): Conversation {
    const pending = this.outcomes.get(record)
    if (pending === undefined) throw new Error('a record that was not asked about')
    if (pending instanceof SteerpipeError) throw copyOf(pending)
    if (pending instanceof Error) throw pending
    const { conversation, questions, answers } = pending
    if (questions.length === 0) note('conversation without a turn to score')
    const { attributes, round, keep } = this.settings
    return withScores(conversation, questions, answers, { attributes, heads: this.heads, round, keep })
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.closeAll().then(
      () => callback(error),
      () => callback(error),
    )
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** The key that the environment holds. @throws SteerpipeError SERVER_DENIED */
function apiKeyOf({ apiKeyEnv }: AnnotateSettings, env: Environment): string | undefined {
  if (apiKeyEnv === undefined) return undefined
  const key = env[apiKeyEnv]?.trim()
  if (key && /^[\x21-\x7e]+$/.test(key)) return key
  throw new SteerpipeError('SERVER_DENIED', {
    found: key
      ? `\`${apiKeyEnv}\` in the environment holds characters that no key can have`
      : `the environment has no \`${apiKeyEnv}\`, which \`api-key-env\` names`,
    fix: `Set it: \`export ${apiKeyEnv}=…\`.`,
    stage: 'annotate',
  })
}

/** The proxies that the environment names, in lower case first, as other programs have it. */
function proxiesOf(env: Environment): Proxies {
  const named = (name: string) => env[name.toLowerCase()] ?? env[name] ?? ''
  return { httpProxy: named('HTTP_PROXY'), httpsProxy: named('HTTPS_PROXY'), noProxy: named('NO_PROXY') }
}

/** A record that is left out, as it was asked for. */
const TOO_LONG = Symbol('too long')

type Prepared = Pending | SteerpipeError | typeof TOO_LONG

/** Records that are gathered for an entry. */
class Piece {
  readonly records: AnyRecord[] = []
  readonly unitEnds: number[] | null
  readonly outcomes: Entry['outcomes'] = new Map()
  texts = 0
  bytes = 0
  tooLong = 0
  turnsCut = 0
  /** What the last record was read from, and keeps in memory. */
  private block: Block | undefined

  constructor(binds: boolean) {
    this.unitEnds = binds ? [] : null
  }

  add(record: AnyRecord, prepared: Prepared): void {
    if (prepared === TOO_LONG) return
    this.records.push(record)
    this.outcomes.set(record, prepared)
    const { block } = record.source
    if (block !== this.block) this.bytes += block.text.length
    this.block = block
    if (prepared instanceof SteerpipeError) return
    this.turnsCut += prepared.turnsCut
    this.texts += prepared.questions.length
    for (const { text } of prepared.questions) this.bytes += text.length
  }

  get says(): boolean {
    return this.records.length > 0 || this.tooLong > 0
  }

  endUnit(): void {
    this.unitEnds?.push(this.records.length)
  }
}

/** The units that end before a record. */
function unitsBefore(
  index: number,
  records: readonly AnyRecord[],
  unitEnds: readonly number[] | null,
): Batch {
  const ends = unitEnds?.filter((end) => end <= index) ?? null
  return new Batch(records.slice(0, ends === null ? index : (ends.at(-1) ?? 0)), ends)
}

const endsRun = (outcome: Pending | Error | undefined): boolean =>
  outcome instanceof SteerpipeError && ENDS_RUN.has(outcome.code)

/** The same error anew: one answer may fail several records, each with its own place. */
const copyOf = ({ code, found, expected, fix, stage, cause, tries }: SteerpipeError): SteerpipeError =>
  new SteerpipeError(code, { found, expected, fix, stage, cause, tries })

/** How many turns are kept when the one at `index` is too much: up to the last answer before it. */
function keptTurns({ turns, mask }: Conversation, index: number): number {
  for (let count = index; count > 0; count--) if (turns[count - 1].from !== mask) return count
  return 0
}

function tooLong(questions: readonly TurnQuestion[], most: number): SteerpipeError {
  const longest = questions.reduce((a, b) => (b.chars > a.chars ? b : a))
  return new SteerpipeError('TEXT_TOO_LONG', {
    found: `the text up to turn ${longest.turn + 1} has ${longest.chars} characters`,
    expected: `at most ${most}`,
  })
}

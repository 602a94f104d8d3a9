import { type ByteWriter, joined } from '../records/byte-writer.js'
import { CONVERSATION_PIECES as PIECES } from '../records/conversation.js'
import type { Made } from '../records/digit-forms.js'
import { type DirectMaking, LEFT, type ScoresMember } from '../records/direct.js'
import { encode } from '../records/json-text.js'
import { RawKeys, type RawLines } from '../records/raw-lines.js'
import type { TemplateSettings } from './dataset.js'
import { DigitScores, MOST_SCORES, SCORES } from './digit-scores.js'
import { quartersOf } from './quarters.js'
import { MOST_TEXT, TURN_COST } from './thread.js'

/** The work on trees whose scores are digits when they are rounded; undefined where the settings leave no such way. */
export function directTrees(settings: TemplateSettings): DirectMaking | undefined {
  if (settings.round === 'none' || settings.labels.length > MOST_SCORES) return undefined
  const withMember = (member: ScoresMember) => {
    const trees = new DirectTrees(settings, member)
    return (lines: RawLines, out: ByteWriter) => trees.write(lines, out)
  }
  return { does: 'make', isTied: true, core: withMember(SCORES), withMember }
}

const MEMBERS = new RawKeys()
const TEXT = MEMBERS.add(encode('text'))
const ROLE = MEMBERS.add(encode('role'))
const REPLIES = MEMBERS.add(encode('replies'))
const LABELS = MEMBERS.add(encode('labels'))
const PROMPT = MEMBERS.add(encode('prompt'))
const LABEL_MEMBERS = new RawKeys([encode('value')])
const ROLES = new RawKeys()
const PROMPTER = ROLES.add(encode('prompter'))
const ASSISTANT = ROLES.add(encode('assistant'))

/** Where a list of replies would stand that a message does not have. */
const NO_REPLIES = -2

/** What stands for the scores of a turn that has none. */
const NO_SCORES: Made<string> = { bytes: new Uint8Array(), notes: [] }

/**
 * Writes the threads of trees. A tree is read first, its messages in their order, each with its depth: that of a thread
 * comes to an end where the next message is no deeper.
 */
class DirectTrees {
  private readonly labelKeys = new RawKeys()
  private readonly wanted: readonly number[]
  private readonly columns: number
  private readonly scores: DigitScores
  private readonly found: number[] = new Array(MEMBERS.count).fill(-1)
  private readonly foundLabels: number[]
  private readonly foundInLabel: number[] = [-1]

  /** Of each message of the tree at hand: where its text stands. */
  private readonly texts: number[] = []
  /** How many messages stand above it. */
  private readonly depths: number[] = []
  /** What is written of its scores; null for a user's. */
  private readonly members: (Made<string> | null)[] = []
  private count = 0
  /** Lists of replies that were not read to their end: the next one, and where they end. */
  private readonly next: number[] = []
  private readonly ends: number[] = []

  /** The messages of the thread at hand, the text up to each of them, and where in its line each of their turns ends. */
  private readonly path: number[] = []
  private readonly sizes: number[] = []
  private readonly turnEnds: number[] = []

  private readonly afterUser: Uint8Array
  private readonly afterUnscored: Uint8Array
  private readonly afterAssistant: Uint8Array
  private readonly end: Uint8Array

  constructor(
    private readonly settings: TemplateSettings,
    member: ScoresMember,
  ) {
    const { user, assistant, system, labels } = settings
    this.wanted = labels.map((name) => this.labelKeys.add(encode(name)))
    this.columns = labels.includes('name')
      ? this.wanted[labels.indexOf('name')]
      : this.labelKeys.add(encode('name'))
    this.foundLabels = new Array(this.labelKeys.count).fill(-1)
    this.scores = new DigitScores(labels, member)
    this.afterUser = joined(PIECES.speaker, user, PIECES.noLabel)
    this.afterUnscored = joined(PIECES.speaker, assistant, '"')
    this.afterAssistant = joined(PIECES.speaker, assistant, PIECES.nextMember)
    this.end = joined('}', PIECES.system, system, PIECES.mask, user, PIECES.end, '\n')
  }

  write(lines: RawLines, out: ByteWriter): number {
    if (!this.read(lines) || this.isLarge(lines)) return LEFT
    const { depths, path, count } = this
    if (count === 1) {
      this.settings.note('thread of a single message')
      return 0
    }
    let threads = 0
    /** Turns that the thread has in common with the one before, and where the line of that begins. */
    let shared = 0
    let before = out.size
    for (let message = 0; message < count; message++) {
      const depth = depths[message]
      path[depth] = message
      if (!this.isLast(message)) continue
      before = this.writeThread(lines, out, depth + 1, shared, before)
      threads++
      shared = message + 1 < count ? depths[message + 1] : 0
    }
    return threads
  }

  /** Whether nobody replied to a message. */
  private isLast(message: number): boolean {
    const { depths, count } = this
    return message + 1 === count || depths[message + 1] <= depths[message]
  }

  /** Whether the threads have more text than should be made at once. */
  private isLarge({ cells }: RawLines): boolean {
    const { depths, texts, sizes, count } = this
    let all = 0
    for (let message = 0; message < count; message++) {
      const depth = depths[message]
      const text = texts[message]
      const above = depth === 0 ? 0 : sizes[depth - 1]
      sizes[depth] = above + cells[text + 1] - cells[text] + TURN_COST
      if (this.isLast(message)) all += sizes[depth]
    }
    return all > MOST_TEXT
  }

  /** Writes the thread of so many turns. Returns where its line begins. */
  private writeThread(
    lines: RawLines,
    out: ByteWriter,
    turns: number,
    shared: number,
    before: number,
  ): number {
    const { path, turnEnds, texts, members, scores } = this
    const start = out.size
    if (shared > 0) out.again(before, turnEnds[shared - 1])
    for (let turn = shared; turn < turns; turn++) {
      const message = path[turn]
      out.add(turn === 0 ? PIECES.turns : PIECES.nextTurn).inside(lines, texts[message])
      const member = members[message]
      if (member === null) out.add(this.afterUser)
      else if (member === NO_SCORES) out.add(this.afterUnscored)
      else {
        out.add(this.afterAssistant).add(member.bytes)
        scores.note(member)
      }
      turnEnds[turn] = out.size - start
    }
    out.add(this.end)
    return start
  }

  /** Reads the tree that the lines are at. Returns false if it is one that is left to the stage. */
  private read(lines: RawLines): boolean {
    const { cells, root } = lines
    const { next, ends } = this
    this.count = 0
    let replies = this.readMessage(lines, root, 0)
    let open = 0
    for (;;) {
      if (replies === LEFT) return false
      if (replies !== NO_REPLIES) {
        next[open] = replies + 3
        ends[open] = cells[replies + 2]
        open++
      }
      while (open > 0 && next[open - 1] >= ends[open - 1]) open--
      if (open === 0) return true
      const reply = next[open - 1]
      next[open - 1] = cells[reply + 2]
      replies = this.readMessage(lines, reply, open)
    }
  }

  /** Reads a message. Returns where the list of its replies stands, or {@link NO_REPLIES}; {@link LEFT} if it is odd. */
  private readMessage(lines: RawLines, node: number, depth: number): number {
    const { found } = this
    if (!lines.isObject(node) || !lines.members(node, MEMBERS, found)) return LEFT
    const prompt = found[PROMPT]
    // A tree without it may be a message whose replies have rows of their own.
    if (prompt < 0 && depth === 0) return LEFT
    if (prompt >= 0 && !(lines.isObject(prompt) && lines.members(prompt, MEMBERS, found))) return LEFT
    const text = found[TEXT]
    const replies = found[REPLIES]
    const role = found[ROLE]
    if (text < 0 || role < 0 || !lines.isText(text) || !lines.isText(role)) return LEFT
    if (!lines.isNothing(replies) && !lines.isArray(replies)) return LEFT
    const { cells } = lines
    const start = cells[role] + 1
    const speaker = ROLES.match(lines.view, start, cells[role + 1] - 1 - start)
    if (speaker !== PROMPTER && speaker !== ASSISTANT) return LEFT
    // The labels of users must be right, too.
    const member = this.readLabels(lines, found[LABELS], speaker === ASSISTANT)
    if (member === undefined) return LEFT
    this.texts[this.count] = text
    this.depths[this.count] = depth
    this.members[this.count] = speaker === ASSISTANT ? member : null
    this.count++
    return lines.isNothing(replies) ? NO_REPLIES : replies
  }

  /** What is written of the labels at a node, where that is asked for; undefined if they are odd. */
  private readLabels(lines: RawLines, node: number, isWritten: boolean): Made<string> | undefined {
    if (node < 0) return NO_SCORES
    const { wanted, foundLabels, foundInLabel, scores } = this
    if (!lines.isObject(node) || !lines.members(node, this.labelKeys, foundLabels)) return undefined
    const columns = foundLabels[this.columns]
    if (columns >= 0 && lines.isArray(columns)) return undefined
    scores.begin()
    for (let i = 0; i < wanted.length; i++) {
      const label = foundLabels[wanted[i]]
      let digit = -1
      if (label >= 0) {
        if (!lines.isObject(label) || !lines.members(label, LABEL_MEMBERS, foundInLabel)) return undefined
        const value = foundInLabel[0]
        if (value < 0) return undefined
        digit = quartersOf(lines.view, lines.cells[value], lines.cells[value + 1])
        if (digit === LEFT) return undefined
      }
      scores.add(digit)
    }
    return isWritten ? scores.made() : NO_SCORES
  }
}

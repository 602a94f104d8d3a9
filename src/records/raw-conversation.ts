import { encode } from './json-text.js'
import { RawKeys, type RawLines } from './raw-lines.js'

const MEMBERS = new RawKeys()
const CONVERSATIONS = MEMBERS.add(encode('conversations'))
const MASK = MEMBERS.add(encode('mask'))
const SYSTEM = MEMBERS.add(encode('system'))
const TYPE = MEMBERS.add(encode('type'))
const TURN_MEMBERS = new RawKeys()
const VALUE = TURN_MEMBERS.add(encode('value'))
const FROM = TURN_MEMBERS.add(encode('from'))
const LABEL = TURN_MEMBERS.add(encode('label'))
const SCORES = TURN_MEMBERS.add(encode('scores'))
const RAW_SCORES = TURN_MEMBERS.add(encode('raw_scores'))

/** Numbers that a turn is described with. */
const TURN = 5

/**
 * A conversation as a line spells it: where on the tape its values stand. It is read anew for each line.
 *
 * It takes those that `readConversation` takes, but for what is rare: a member that is there twice, scores that were kept
 * beside a label, and other spellings, unless they are in a text or the system prompt.
 */
export class RawConversation {
  /** How many turns it has. */
  count = 0
  /** Where the mask stands, and the system prompt: -1 for none. */
  mask = -1
  system = -1
  private turns = new Int32Array(TURN * 16)
  private readonly found: number[] = new Array(MEMBERS.count).fill(-1)
  private readonly foundInTurn: number[] = new Array(TURN_MEMBERS.count).fill(-1)

  /** Reads the record that the lines are at. Returns false if it is none of those that it takes. */
  read(lines: RawLines): boolean {
    const { found } = this
    const { cells, root } = lines
    if (!lines.members(root, MEMBERS, found)) return false
    const list = found[CONVERSATIONS]
    if (list < 0 || !lines.isArray(list)) return false
    this.mask = found[MASK]
    if (this.mask < 0 || !lines.isText(this.mask) || lines.isEscaped(this.mask)) return false
    if (!(isTextOrNothing(lines, found[SYSTEM]) && isTextOrNothing(lines, found[TYPE]))) return false
    this.system = lines.isNothing(found[SYSTEM]) ? -1 : found[SYSTEM]
    this.count = 0
    const end = cells[list + 2]
    for (let node = list + 3; node < end; node = cells[node + 2]) if (!this.addTurn(lines, node)) return false
    return true
  }

  private addTurn(lines: RawLines, node: number): boolean {
    const { foundInTurn } = this
    if (!lines.isObject(node) || !lines.members(node, TURN_MEMBERS, foundInTurn)) return false
    const value = foundInTurn[VALUE]
    const from = foundInTurn[FROM]
    const label = foundInTurn[LABEL]
    const scores = foundInTurn[SCORES]
    if (value < 0 || from < 0 || foundInTurn[RAW_SCORES] >= 0) return false
    if (!(lines.isText(value) && lines.isText(from) && isTextOrNothing(lines, label))) return false
    if (scores >= 0 && !(lines.isObject(scores) && !lines.isEscaped(scores))) return false
    if (lines.respell && (lines.isEscaped(from) || (label >= 0 && lines.isEscaped(label)))) return false
    const at = this.count * TURN
    if (at === this.turns.length) this.grow()
    const { turns } = this
    turns[at] = value
    turns[at + 1] = from
    turns[at + 2] = lines.isNothing(label) ? -1 : label
    turns[at + 3] = scores
    turns[at + 4] = label
    this.count++
    return true
  }

  private grow(): void {
    const turns = new Int32Array(this.turns.length * 2)
    turns.set(this.turns)
    this.turns = turns
  }

  /** Where the value of a turn stands. */
  value(turn: number): number {
    return this.turns[turn * TURN]
  }

  from(turn: number): number {
    return this.turns[turn * TURN + 1]
  }

  /** Where the label of a turn stands; -1 where there is none, or null. */
  label(turn: number): number {
    return this.turns[turn * TURN + 2]
  }

  /** Where the object with the scores of a turn stands, or -1. */
  scores(turn: number): number {
    return this.turns[turn * TURN + 3]
  }

  /** Whether any turn has scores. */
  get hasScores(): boolean {
    for (let turn = 0; turn < this.count; turn++) if (this.scores(turn) >= 0) return true
    return false
  }

  /** Whether a turn has a member `label`, null or not. */
  hasLabel(turn: number): boolean {
    return this.turns[turn * TURN + 4] >= 0
  }
}

const latest = new RawConversation()
let latestLines: RawLines | undefined
let latestRoot = -1
let latestIsOne = false

/**
 * The conversation that lines are at, read once for all stages that look at it, until another one is asked for. Undefined
 * if it is none that {@link RawConversation} takes.
 */
export function rawConversation(lines: RawLines): RawConversation | undefined {
  if (lines !== latestLines || lines.root !== latestRoot) {
    latestLines = lines
    latestRoot = lines.root
    latestIsOne = latest.read(lines)
  }
  return latestIsOne ? latest : undefined
}

const isTextOrNothing = (lines: RawLines, node: number): boolean =>
  lines.isNothing(node) || lines.isText(node)

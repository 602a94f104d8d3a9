import { quote, SteerpipeError } from '../errors.js'
import { Conversation, type Turn } from '../records/conversation.js'
import type { Gathers, Tie } from '../records/gathers.js'
import { decode, encode, type JsonText } from '../records/json-text.js'
import type { JsonRecord } from '../records/record.js'
import type { DataSet, TemplateSettings } from './dataset.js'
import { MessageScores } from './message-scores.js'
import { directTrees } from './oasst-direct.js'
import { assistantTurn, RowFields, userTurn, wrongType } from './row.js'
import { Message, MOST_TEXT, TURN_COST, threadsOf } from './thread.js'

const NEEDS = 'a tree with `prompt`, or a message with `text` and `role`'
const FLAT_NEEDS = '`message_id`, `text`, `role`, and `parent_id` of a reply'
const TOGETHER =
  'The messages of a tree must stand together, each behind the one that it replies to; a `shuffle` belongs behind `template`.'
const PROMPTER = encode('prompter')
const ASSISTANT = encode('assistant')
const MESSAGE_ID = encode('message_id')
const PROMPT = encode('prompt')

/**
 * OpenAssistant/oasst1 and oasst2: trees of messages, or the messages themselves, a row each. Every way from the
 * root to a message without replies is a conversation.
 */
export const oasst: DataSet = {
  name: 'oasst',
  summary:
    'trees of messages with text, role, labels and replies; or flat messages with message_id and parent_id, a tree’s together',
  takes: ['labels', 'round'],
  aloneWith: PROMPT,
  open: (settings) => {
    const reader = new OasstReader(settings)
    const direct = directTrees(settings)
    return Object.assign((row: JsonRecord) => reader.read(row), { gathers: reader, direct })
  },
}

/** The replies of a message that have not been read yet, on the tape. */
interface Unread {
  readonly message: Message
  next: number
  readonly end: number
}

class OasstReader implements Gathers<JsonRecord, Conversation> {
  private readonly scores: MessageScores
  private readonly fields = new RowFields()
  private readonly text = this.fields.add('text')
  private readonly role = this.fields.add('role')
  private readonly replies = this.fields.add('replies')
  private readonly labels = this.fields.add('labels')
  private readonly prompt = this.fields.add('prompt')

  private readonly rowFields = new RowFields()
  private readonly ofTree = this.rowFields.add('message_tree_id')
  private readonly rowPrompt = this.rowFields.add('prompt')
  private readonly rowReplies = this.rowFields.add('replies')
  private readonly id = this.rowFields.add('message_id')
  private readonly parent = this.rowFields.add('parent_id')

  /** The roots of the trees that were read. */
  private roots: Message[] = []
  /** The messages of the tree at hand, if they come in rows of their own. */
  private byId = new Map<JsonText, Message>()
  /** The id of the tree at hand, for errors. */
  private tree: JsonText | null = null
  /** The id of the tree that the last row's message belongs to, if it is a flat one. */
  private tied: { readonly tree: JsonText | null } | null = null

  constructor(private readonly settings: TemplateSettings) {
    this.scores = new MessageScores(settings.labels, settings.round)
  }

  tie(row: JsonRecord): Tie {
    if (!this.isFlat(row)) {
      this.tied = null
      return 'alone'
    }
    const before = this.tied
    const tree = this.idIn(row, this.ofTree)
    const goesOn =
      before !== null && this.isReply(row) && (tree === null || before.tree === null || tree === before.tree)
    this.tied = goesOn ? { tree: before.tree ?? tree } : { tree }
    return goesOn ? 'next' : 'first'
  }

  /** @throws SteerpipeError MISSING_FIELD, WRONG_TYPE, BAD_SCORE, BAD_TREE */
  read(row: JsonRecord): void {
    if (this.isFlat(row)) this.readFlat(row)
    else this.readTree(row)
  }

  end(): Iterable<readonly Conversation[]> {
    const { roots } = this
    this.roots = []
    this.tree = null
    if (this.byId.size > 0) this.byId = new Map()
    return this.conversations(roots)
  }

  private *conversations(roots: readonly Message[]): Generator<readonly Conversation[]> {
    const { user: mask, system, note } = this.settings
    let made: Conversation[] = []
    let size = 0
    for (const root of roots) {
      for (const { turns, last } of threadsOf(root)) {
        if (turns.length === 1) {
          note('thread of a single message')
          continue
        }
        made.push(new Conversation(last.row, { turns, mask, system }))
        for (const turn of turns) size += turn.value.length + TURN_COST
        if (size < MOST_TEXT) continue
        yield made
        made = []
        size = 0
      }
    }
    if (made.length > 0) yield made
  }

  /** Whether a row is one message of a tree whose other messages have rows of their own. */
  private isFlat(row: JsonRecord): boolean {
    const { rowFields } = this
    rowFields.find(row)
    if (rowFields.node(this.rowPrompt) >= 0 || this.hasReplies(row)) return false
    return rowFields.node(this.id) >= 0 || this.isReply(row)
  }

  /** Whether the row that was looked at has replies in it. An empty list says nothing: flat rows may have one too. */
  private hasReplies(row: JsonRecord): boolean {
    const replies = this.rowFields.node(this.rowReplies)
    if (replies < 0 || row.type(replies) === 'null') return false
    return row.type(replies) !== 'an array' || row.first(replies) < row.next(replies)
  }

  /** Whether the row that was looked at replies to another one. */
  private isReply(row: JsonRecord): boolean {
    const parent = this.rowFields.node(this.parent)
    return parent >= 0 && row.type(parent) !== 'null'
  }

  /** An id in the row that was looked at. */
  private idIn(row: JsonRecord, slot: number): JsonText | null {
    const node = this.rowFields.node(slot)
    return node >= 0 && row.isText(node) ? row.text(node) : null
  }

  private readFlat(row: JsonRecord): void {
    const { rowFields, byId } = this
    const id = rowFields.text(row, this.id, FLAT_NEEDS)
    const treeId = this.idIn(row, this.ofTree)
    if (!this.isReply(row)) {
      byId.clear()
      this.tree = treeId ?? id
      const root = this.message(row, row.root, true)
      byId.set(id, root)
      this.roots.push(root)
      return
    }
    this.tree = treeId ?? this.tree
    const parentId = rowFields.text(row, this.parent, FLAT_NEEDS)
    const parent = byId.get(parentId)
    if (parent === undefined) {
      throw this.badTree(row, `the parent ${quoted(parentId)} does not stand before its reply in the tree`)
    }
    if (byId.has(id)) throw this.badTree(row, 'the id occurs twice in the tree')
    const message = this.message(row, row.root, true)
    byId.set(id, message)
    parent.replies.push(message)
  }

  private readTree(row: JsonRecord): void {
    this.tree = this.idIn(row, this.ofTree) ?? this.idIn(row, this.id)
    const root = this.message(row, row.root)
    const unread: Unread[] = []
    this.openReplies(row, root, unread)
    while (unread.length > 0) {
      const list = unread[unread.length - 1]
      if (list.next === list.end) {
        unread.pop()
        continue
      }
      const reply = this.message(row, list.next)
      list.next = row.next(list.next)
      list.message.replies.push(reply)
      this.openReplies(row, reply, unread)
    }
    this.roots.push(root)
  }

  /** Adds the replies of the message that was looked at to those that are to be read. */
  private openReplies(row: JsonRecord, message: Message, unread: Unread[]): void {
    const list = this.fields.node(this.replies)
    if (list < 0 || row.type(list) === 'null') return
    unread.push({ message, next: row.first(list), end: row.next(list) })
  }

  /**
   * The message at a node. As in the original tools, one that stands under `prompt` is taken from there.
   *
   * @param nullable whether labels that are null are none: in rows of their own all messages have the same fields
   */
  private message(row: JsonRecord, node: number, nullable = false): Message {
    const { fields } = this
    let at = node
    try {
      if (row.type(at) !== 'an object') throw wrongType(row, at, 'a reply', 'a message')
      fields.find(row, at)
      const prompt = fields.node(this.prompt)
      if (prompt >= 0) {
        if (row.type(prompt) !== 'an object') throw wrongType(row, prompt, '`prompt`', 'a message')
        at = prompt
        fields.find(row, at)
      }
      const replies = fields.node(this.replies)
      if (replies >= 0 && row.type(replies) !== 'an array' && row.type(replies) !== 'null') {
        throw wrongType(row, replies, '`replies`', 'a list of messages')
      }
      return new Message(row, this.turn(row, nullable))
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      const { code, found, expected, fix } = error
      throw new SteerpipeError(code, { found: found + this.inMessage(row, at), expected, fix })
    }
  }

  /** The turn of the message that was looked at. */
  private turn(row: JsonRecord, nullable: boolean): Turn {
    const { fields } = this
    const text = fields.text(row, this.text, NEEDS)
    const role = fields.text(row, this.role, NEEDS)
    const node = fields.node(this.labels)
    const unlabelled = node < 0 || (nullable && row.type(node) === 'null')
    // The labels of users are read too, as the original tools do: what is wrong with one is told.
    const scores = unlabelled ? null : this.scores.read(row, node)
    if (role === PROMPTER) return userTurn(this.settings, text)
    if (role === ASSISTANT) return assistantTurn(this.settings, text, scores)
    throw new SteerpipeError('BAD_TREE', {
      found: `the role is ${quoted(role)}`,
      expected: '`prompter` or `assistant`',
    })
  }

  private badTree(row: JsonRecord, found: string): SteerpipeError {
    return new SteerpipeError('BAD_TREE', { found: found + this.inMessage(row, row.root), fix: TOGETHER })
  }

  /** Which message something was found in, for errors. */
  private inMessage(row: JsonRecord, message: number): string {
    const node = row.type(message) === 'an object' ? row.member(message, MESSAGE_ID) : -1
    const id = node >= 0 && row.isText(node) ? row.text(node) : null
    const tree = this.tree === null ? '' : ` of tree ${quoted(this.tree)}`
    if (id === null) return tree && `, in a message without an id${tree}`
    return `, in message ${quoted(id)}${tree}`
  }
}

const quoted = (text: JsonText): string => quote(decode(text))

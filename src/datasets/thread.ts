import type { Turn } from '../records/conversation.js'
import type { JsonRecord } from '../records/record.js'

/** Some text that is given on at once: the conversations of a large tree are more than memory should hold. */
export const MOST_TEXT = 1 << 20

/** What a turn costs beside its text. */
export const TURN_COST = 64

/** A message of a tree. */
export class Message {
  /** What was said in reply, in order. */
  readonly replies: Message[] = []

  constructor(
    /** The row that it stands in. */
    readonly row: JsonRecord,
    readonly turn: Turn,
  ) {}
}

/** A way through a tree, from its root to a message that nobody replied to. */
export interface Thread {
  readonly turns: readonly Turn[]
  readonly last: Message
}

/** All threads of a tree, in the order of its messages. Each has a list of turns of its own; turns are shared. */
export function* threadsOf(root: Message): Generator<Thread> {
  const path = [root]
  const turns = [root.turn]
  /** For each message of the path, how many of its replies have been gone into. */
  const seen = [0]
  while (path.length > 0) {
    const depth = path.length - 1
    const last = path[depth]
    if (last.replies.length === 0) yield { turns: turns.slice(), last }
    if (seen[depth] < last.replies.length) {
      const reply = last.replies[seen[depth]++]
      path.push(reply)
      turns.push(reply.turn)
      seen.push(0)
    } else {
      path.pop()
      turns.pop()
      seen.pop()
    }
  }
}

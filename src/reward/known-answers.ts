import { createHash } from 'node:crypto'
import type { Journal } from './journal.js'
import type { Question, Scores } from './protocol.js'

/** Bytes that an answer takes here, about, with what the collector of garbage leaves lying about. */
const ANSWER_BYTES = 1000

/** What answers are told apart by, beside the question. */
export interface Asked {
  readonly protocol: string
  readonly model: string
  readonly heads: readonly string[]
  /** Whether the server is sent the messages rather than the text. */
  readonly asMessages: boolean
}

/** Answers that need not be asked for again: within a memory, and beyond that what a journal has. */
export class KnownAnswers {
  /** Answers that the journal had. */
  kept = 0
  private readonly byText = new Map<string, Promise<Scores>>()
  private readonly salt: string

  /**
   * @param memory bytes
   * @param journal what an earlier run was told, and this one is; undefined if nothing is kept
   */
  constructor(
    private readonly memory: number,
    private readonly asked: Asked,
    private readonly journal: Journal | undefined,
  ) {
    this.salt = JSON.stringify([asked.protocol, asked.model, asked.heads])
  }

  /** The answer to a question: the one that is known, or what `ask` gives. */
  get(question: Question, ask: (question: Question) => Promise<Scores>): Promise<Scores> {
    const { byText, journal } = this
    const key = this.keyOf(question)
    const known = byText.get(key)
    if (known !== undefined) {
      // The one that was asked for last is forgotten last.
      byText.delete(key)
      byText.set(key, known)
      return known
    }
    const kept = journal?.find(key)
    if (kept !== undefined) this.kept++
    const answer = kept === undefined ? this.askFor(question, key, ask) : Promise.resolve(kept)
    byText.set(key, answer)
    // A failure is not remembered: the next one may fare better.
    answer.catch(() => byText.delete(key))
    if (byText.size * ANSWER_BYTES > this.memory) {
      const [oldest] = byText.keys()
      byText.delete(oldest)
    }
    return answer
  }

  private askFor(
    question: Question,
    key: string,
    ask: (question: Question) => Promise<Scores>,
  ): Promise<Scores> {
    const { journal } = this
    const answer = ask(question)
    if (journal === undefined) return answer
    return answer.then((scores) => {
      journal.add(key, scores)
      journal.check()
      return scores
    })
  }

  private keyOf(question: Question): string {
    const said = this.asked.asMessages ? JSON.stringify(question.messages()) : question.text
    return createHash('sha256').update(this.salt).update(said).digest('base64')
  }
}

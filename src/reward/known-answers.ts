import { createHash } from 'node:crypto'
import type { Question, Scores } from './protocol.js'

/** Bytes that an answer takes here, about, with what the collector of garbage leaves lying about. */
const ANSWER_BYTES = 1000

/** Answers that may be asked for again, those that are on their way among them, within a memory. */
export class KnownAnswers {
  private readonly byText = new Map<string, Promise<Scores>>()

  /** @param memory bytes */
  constructor(private readonly memory: number) {}

  /** The answer to a question: the one that is known, or what `ask` gives. */
  get(question: Question, ask: (question: Question) => Promise<Scores>): Promise<Scores> {
    const { byText } = this
    const key = createHash('sha256').update(question.text).digest('base64')
    const known = byText.get(key)
    if (known !== undefined) {
      // The one that was asked for last is forgotten last.
      byText.delete(key)
      byText.set(key, known)
      return known
    }
    const answer = ask(question)
    byText.set(key, answer)
    // A failure is not remembered: the next one may fare better.
    answer.catch(() => byText.delete(key))
    if (byText.size * ANSWER_BYTES > this.memory) {
      const [oldest] = byText.keys()
      byText.delete(oldest)
    }
    return answer
  }
}

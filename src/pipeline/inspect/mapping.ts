import { decode } from '../../records/json-text.js'
import type { JsonRecord } from '../../records/record.js'

/** Which fields of flat rows may be the prompt, the response and the scores. */
export interface GuessedMapping {
  readonly prompt: string
  readonly response: string
  /** Fields with numbers. */
  readonly numbers: readonly string[]
}

/** What data sets call the prompt, and the response; the likelier names first. */
const PROMPTS = ['prompt', 'question', 'instruction', 'query', 'input', 'user', 'problem']
const RESPONSES = ['response', 'answer', 'output', 'completion', 'chosen', 'assistant', 'solution', 'target']

/** A mapping by the names of the first row's fields; undefined if they say nothing. */
export function guessMapping([first]: readonly JsonRecord[]): GuessedMapping | undefined {
  const types = new Map<string, string>()
  const end = first.next(first.root)
  for (let at = first.first(first.root); at < end; at = first.next(at + 2)) {
    types.set(decode(first.key(at)), first.type(at + 2))
  }
  const called = (names: readonly string[]) => names.find((name) => types.get(name) === 'text')
  const prompt = called(PROMPTS)
  const response = called(RESPONSES)
  if (prompt === undefined || response === undefined) return undefined
  const numbers = [...types].filter(([, type]) => type === 'number').map(([name]) => name)
  return { prompt, response, numbers }
}

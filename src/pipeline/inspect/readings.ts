import { documentArrays } from '../../storage/document-arrays.js'
import type { Peek } from './peek.js'
import { type Reading, sampleOf } from './sample.js'

const LINES: Reading = { format: 'jsonl' }

/** Lines that show whether an input is JSON Lines. */
const ENOUGH_LINES = 100

/**
 * The ways to read an input that holds JSON: the last is the one to take if none gives records of a known schema.
 * None if it holds no JSON.
 */
export async function readingsOf(peek: Peek, input: string): Promise<readonly Reading[]> {
  const text = peek.bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '')
  const [first] = text.trimStart()
  if (first === '{' || first === '[') {
    const { isLegal, arrays } = documentArrays(peek.bytes)
    const inside = [...arrays].reduce((best, each) => (each[1] > best[1] ? each : best), ['', 0])[0]
    const document: Reading = inside === '' ? { format: 'json' } : { format: 'json', path: inside }
    if (!isLegal) {
      const isLines =
        (await holdsLines(peek, input)) || (first === '{' && /^[^\n]*\}\s*?\n/.test(text.trimStart()))
      return [isLines ? LINES : document]
    }
    if (first === '[') return [document]
    const isOneLine = !text.trim().includes('\n')
    const whole: Reading = isOneLine ? LINES : { format: 'json' }
    if (inside === '') return [whole]
    if (!peek.isWhole) return [document]
    // An object may be one record with a list in it, or have the records in the list.
    const isLines = isOneLine && !/\.json(?:\.gz)?$/i.test(input)
    return isLines ? [whole, document, whole] : [whole, document]
  }
  return (await holdsLines(peek, input)) ? [LINES] : []
}

/** Whether most lines are JSON. */
async function holdsLines(peek: Peek, input: string): Promise<boolean> {
  const { records, errors } = await sampleOf(peek, LINES, input, ENOUGH_LINES)
  const wrong = errors.filter(({ code }) => code !== 'TOO_DEEP').length
  return records.length > wrong
}

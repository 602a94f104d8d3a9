import { type AnyRecord, toObject } from '../records/batch.js'
import { decode } from '../records/json-text.js'

/** Characters of a text that are shown. */
const SHOWN = 90

/** A record in lines for people: long texts are cut in the middle, with their length. */
export function showRecord(record: AnyRecord): string[] {
  const part = record.part === null ? [] : [`part: ${record.part}`]
  if (record.kind === 'conversation') {
    const turns = record.turns.map(({ from, value, label, scores }) => {
      const labels = label ? ` [${decode(label)}]` : label === '' ? ' [no label]' : ''
      const scored = scores
        ? ` {${scores.map((score) => `${decode(score.name)}: ${score.json}`).join(', ')}}`
        : ''
      return `${decode(from)}${labels}${scored}: ${showText(decode(value))}`
    })
    const system = record.system === null ? [] : [`system: ${showText(decode(record.system))}`]
    return [...part, ...system, `mask: ${decode(record.mask)}`, ...turns]
  }
  if (record.kind === 'sample') {
    return [...part, `text: ${showText(decode(record.text))}`, `label: [${record.vector}]`]
  }
  const fields = Object.entries(toObject(record) as Record<string, unknown>)
  return [...part, ...fields.map(([key, value]) => `${key}: ${showValue(value)}`)]
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? showText(value) : showText(JSON.stringify(value), false)
}

function showText(text: string, quoted = true): string {
  const characters = [...text]
  const end = SHOWN / 3
  const short =
    characters.length <= SHOWN
      ? text
      : `${characters.slice(0, SHOWN - end).join('')} … ${characters.slice(-end).join('')}`
  const shown = quoted ? JSON.stringify(short) : short
  return characters.length <= SHOWN ? shown : `${shown} (${characters.length} characters)`
}

import { SteerpipeError } from '../errors.js'
import { requiredText, type Score } from '../records/conversation.js'
import { encode, type JsonText } from '../records/json-text.js'
import type { RoundPolicy } from '../records/labels.js'
import { pythonFloat, roundHalfEven } from '../records/numbers.js'
import type { JsonRecord } from '../records/record.js'
import { RowFields, wrongType } from './row.js'

const VALUE = encode('value')
const NEEDS = 'a label with `value`'
const COLUMNS = 'the columns `name` and `value`, lists of one length'

/** How many values are remembered. A label is the mean of what some reviewers said, so that there are few of them. */
const CACHE_SIZE = 20_000

/** The labels of Open Assistant's messages, 0 to 1, to scores of 0 to 4. */
export class MessageScores {
  private readonly fields = new RowFields()
  private readonly wanted: readonly { name: string; key: JsonText; slot: number }[]
  private readonly column = this.fields.add('name')
  /** Four times the values that were met, by their spelling. */
  private readonly known = new Map<string, string>()

  /** @param names the labels that become scores, in their order; all others are left alone */
  constructor(
    names: readonly string[],
    private readonly round: RoundPolicy,
  ) {
    this.wanted = names.map((name) => ({ name, key: encode(name), slot: this.fields.add(name) }))
  }

  /**
   * The scores of the `labels` at a node: `{ name: { value, count } }`, or in columns as Parquet files have them,
   * `{ name: [], value: [], count: [] }`.
   *
   * @throws SteerpipeError WRONG_TYPE, MISSING_FIELD, BAD_SCORE
   */
  read(row: JsonRecord, labels: number): Score[] {
    if (row.type(labels) !== 'an object') throw wrongType(row, labels, '`labels`', 'an object of labels')
    this.fields.find(row, labels)
    const column = this.fields.node(this.column)
    if (column >= 0 && row.type(column) === 'an array') return this.readColumns(row, labels, column)
    const scores: Score[] = []
    for (const { name, key, slot } of this.wanted) {
      const label = this.fields.node(slot)
      if (label < 0) continue
      if (row.type(label) !== 'an object') throw wrongType(row, label, `the label \`${name}\``, NEEDS)
      const value = row.member(label, VALUE)
      if (value < 0) {
        throw new SteerpipeError('MISSING_FIELD', {
          found: `the label \`${name}\` has no \`value\``,
          expected: NEEDS,
        })
      }
      scores.push({ name: key, json: this.score(row, value, name) })
    }
    return scores
  }

  private readColumns(row: JsonRecord, labels: number, column: number): Score[] {
    const names = itemsOf(row, column)
    const value = row.member(labels, VALUE)
    const values = value >= 0 && row.type(value) === 'an array' ? itemsOf(row, value) : undefined
    if (values?.length !== names.length) {
      throw new SteerpipeError('WRONG_TYPE', {
        found:
          values === undefined
            ? '`labels` has a list of names, but none of values'
            : `\`labels\` has ${names.length} names, but ${values.length} values`,
        expected: COLUMNS,
      })
    }
    // Of a repeated name the last one counts, as of a repeated key.
    const found = new Map(names.map((node, i) => [requiredText(row, node, 'name'), values[i]]))
    return this.wanted.flatMap(({ name, key }) => {
      const node = found.get(key)
      return node === undefined ? [] : [{ name: key, json: this.score(row, node, name) }]
    })
  }

  private score(row: JsonRecord, node: number, name: string): string {
    const value = row.raw(node)
    const known = this.known.get(value)
    if (known !== undefined) return known
    const json = row.type(node) === 'number' ? timesFour(value, this.round) : undefined
    if (json !== undefined) {
      if (this.known.size >= CACHE_SIZE) this.known.clear()
      // A copy: the value is a slice, which would keep its whole block in memory.
      this.known.set(Buffer.from(value, 'latin1').toString('latin1'), json)
      return json
    }
    const shown = Buffer.from(row.raw(node), 'latin1').toString('utf8')
    throw new SteerpipeError('BAD_SCORE', {
      found: `the value of the label \`${name}\` is ${shown.length > 40 ? `${shown.slice(0, 37)}…` : shown}`,
      expected: 'a number that is finite, also times 4',
    })
  }
}

function itemsOf(row: JsonRecord, array: number): number[] {
  const items: number[] = []
  const end = row.next(array)
  for (let node = row.first(array); node < end; node = row.next(node)) items.push(node)
  return items
}

/**
 * Four times a JSON number, as Python computes and prints it: an integer stays one, with all its digits.
 * Undefined if that is not finite.
 */
function timesFour(json: string, round: RoundPolicy): string | undefined {
  const value = Number(json) * 4
  if (!Number.isFinite(value)) return undefined
  if (!/[.eE]/.test(json)) return Number.isSafeInteger(value) ? String(value) : String(BigInt(json) * 4n)
  if (round === 'none') return pythonFloat(value)
  const rounded = roundHalfEven(value)
  return Number.isSafeInteger(rounded) ? String(rounded) : String(BigInt(rounded))
}

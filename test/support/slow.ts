/**
 * The slow way: what steerpipe should write, found out with `JSON.parse`, plain objects and strings, and without
 * any of its code.
 */

/** What should become of a record: its lines, or the codes of all that is wrong with it (one of which is told). */
export interface Expected {
  readonly lines: string[]
  readonly codes: Set<string>
}

/** A member of a row as it is written: its key's meaning, its value's JSON. */
export interface Member {
  readonly key: string
  readonly json: string
}

const NINE = [
  ...['quality', 'toxicity', 'humor', 'creativity'],
  ...['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity'],
]
const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

/** A text as Python's `json.dumps(ensure_ascii=False)` spells it; surrogates alone as escapes. */
export function slowText(text: string): string {
  let result = ''
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const short = '"\\\n\r\t\b\f'.indexOf(char)
    if (short >= 0) result += `\\${'"\\nrtbf'[short]}`
    else if (code < 0x20 || (code >= 0xd800 && code < 0xe000))
      result += `\\u${code.toString(16).padStart(4, '0')}`
    else result += char
  }
  return `"${result}"`
}

/**
 * A decimal number's `repr` as a Python float: by its digits alone up to 15 of them; beyond, and at the ends of what a
 * float can hold, by the shortest digits that JavaScript finds.
 */
export function slowFloat(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^\s*([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?\s*$/.exec(text) ?? []
  const minus = sign === '-' ? '-' : ''
  const significant = (whole + fraction).replace(/^0+/, '')
  let digits = significant.replace(/0+$/, '')
  // The number is 0.digits × 10^point.
  let point = Number(exponent) - fraction.length + significant.length
  if (digits.length > 15 || Math.abs(point) > 290) {
    const [mantissa, power] = Math.abs(Number(text)).toExponential().split('e')
    digits = mantissa.replace('.', '').replace(/^0$/, '')
    point = Number(power) + 1
  }
  if (digits === '') return `${minus}0.0`
  if (point > 16 || point < -3) {
    const power = Math.abs(point - 1)
      .toString()
      .padStart(2, '0')
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : ''
    return `${minus}${digits[0]}${rest}e${point > 0 ? '+' : '-'}${power}`
  }
  if (point <= 0) return `${minus}0.${'0'.repeat(-point)}${digits}`
  return `${minus}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point) || '0'}`
}

const NUMBER = /^[ \t\n\v\f\r]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*$/
const isNumber = (text: string): boolean => NUMBER.test(text) && Math.abs(Number(text)) < Infinity

/** A score's JSON as a label has it; undefined for what is no score. */
function slowScore(json: string): string | undefined {
  const value: unknown = JSON.parse(json)
  if (typeof value === 'string') return isNumber(value) ? value : undefined
  if (typeof value !== 'number' || !isNumber(json)) return undefined
  if (!/[.eE]/.test(json)) return json.trim() === '-0' ? '0' : json.trim()
  return slowFloat(json)
}

/** The label for scores, and whether one of them is none. */
export function slowLabel(scores: ReadonlyMap<string, string>): { label: string; bad: boolean } {
  const parts: string[] = []
  let bad = false
  for (const name of NINE) {
    const json = scores.get(name)
    if (json === undefined) continue
    const score = slowScore(json)
    if (score === undefined) bad = true
    else parts.push(`${name}:${score}`)
  }
  return { label: parts.join(','), bad }
}

/** A HelpSteer2 row's conversation after `template` and `label-format`. */
export function slowConversation(members: readonly Member[]): Expected {
  const codes = new Set<string>()
  // The last of a repeated key counts.
  const row = new Map(members.map(({ key, json }) => [key, json]))
  const texts = ['prompt', 'response'].map((key) => {
    const json = row.get(key)
    const value: unknown = json === undefined ? undefined : JSON.parse(json)
    if (value === undefined) codes.add(row.has('conversations') ? 'WRONG_RECORD' : 'MISSING_FIELD')
    else if (typeof value === 'string') return slowText(value)
    else codes.add('WRONG_TYPE')
    return ''
  })
  const { label, bad } = slowLabel(row)
  if (bad) codes.add('BAD_SCORE')
  const user = `{"value": ${texts[0]}, "from": "User", "label": null}`
  const assistant = `{"value": ${texts[1]}, "from": "Assistant", "label": ${slowText(label)}}`
  const rest = `"system": ${slowText(SYSTEM)}, "mask": "User", "type": "VALUE_TO_TEXT"`
  return { lines: codes.size > 0 ? [] : [`{"conversations": [${user}, ${assistant}], ${rest}}`], codes }
}

type Fields = Record<string, unknown>
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A label's vector; undefined for what is no label. */
function slowVector(label: string): string | undefined {
  const vector = NINE.map(() => '-100.0')
  for (const part of label.split(',')) {
    const [name, number] = part.split(':')
    if (name === '' || number === undefined || !isNumber(number)) return undefined
    if (NINE.includes(name)) vector[NINE.indexOf(name)] = slowFloat(number)
  }
  return `[${vector.join(', ')}]`
}

/** A conversation line's samples. */
export function slowSamples(line: string): Expected {
  const record = JSON.parse(line) as Fields
  const codes = new Set<string>()
  const lines: string[] = []
  const field = (object: Fields, key: string) => (Object.hasOwn(object, key) ? object[key] : undefined)
  const needed = (object: Fields, key: string): string => {
    const value = field(object, key)
    if (typeof value === 'string') return value
    codes.add(value === undefined ? 'MISSING_FIELD' : 'WRONG_TYPE')
    return ''
  }
  const optional = (object: Fields, key: string): string => {
    const value = field(object, key) ?? ''
    if (typeof value === 'string') return value
    codes.add('WRONG_TYPE')
    return ''
  }
  const turns = field(record, 'conversations')
  if (turns === undefined) return { lines, codes: new Set(['WRONG_RECORD']) }
  if (!Array.isArray(turns)) return { lines, codes: new Set(['WRONG_TYPE']) }
  const mask = needed(record, 'mask')
  optional(record, 'system')
  optional(record, 'type')
  let text = `<extra_id_0>System\n${SYSTEM}\n`
  for (const turn of turns as unknown[]) {
    if (!isObject(turn)) {
      codes.add('WRONG_TYPE')
      continue
    }
    const speaker = needed(turn, 'from') === mask ? 'User' : 'Assistant'
    text += `<extra_id_1>${speaker}\n${needed(turn, 'value')}\n`
    const label = optional(turn, 'label')
    const scores = field(turn, 'scores')
    if (scores !== undefined && !isObject(scores)) codes.add('WRONG_TYPE')
    if (label !== '') {
      const vector = slowVector(label)
      if (vector === undefined) codes.add('BAD_LABEL')
      lines.push(`{"text": ${slowText(`${text}<extra_id_2>`)}, "label": ${vector}}`)
    } else if (scores !== undefined) codes.add('UNLABELLED_SCORES')
  }
  return { lines: codes.size > 0 ? [] : lines, codes }
}

import type { Field } from './fields.js'
import { TYPE_NAMES, type TypeName } from './shape.js'
import { counted, cut, WIDTH } from './shown.js'

/** Fields that are shown. */
const MOST_FIELDS = 40

/** The widest names and types that others are lined up with. */
const NAME_WIDTH = 44
const TYPE_WIDTH = 30

/** The fields of records, a line each: the name, the types, how many have it if not all do, an example. */
export function showFields(fields: readonly Field[], isCut: boolean): string[] {
  const shown = fields.slice(0, MOST_FIELDS)
  const rows = shown.map((field) => [field.name, showTypes(field), showPresence(field), showExample(field)])
  const nameWidth = Math.min(NAME_WIDTH, Math.max(0, ...rows.map(([name]) => name.length)))
  const typeWidth = Math.min(TYPE_WIDTH, Math.max(0, ...rows.map(([, type]) => type.length)))
  const presenceWidth = Math.max(0, ...rows.map(([, , presence]) => presence.length))
  const lines = rows.map(([name, type, presence, example]) => {
    const head = `${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}  ${presence.padEnd(presenceWidth)}`
    const room = WIDTH - 2 - head.length - 2
    return room < 12 ? head.trimEnd() : `${head}  ${cut(example, room)}`.trimEnd()
  })
  const more = fields.length - shown.length
  if (more > 0) lines.push(`… and ${more} more (\`--json\` has them)`)
  if (isCut) lines.push('… and more than can be told apart: keys differ from record to record')
  return lines
}

const PLURALS: Readonly<Record<TypeName, string>> = {
  text: 'texts',
  integer: 'integers',
  number: 'numbers',
  boolean: 'booleans',
  null: 'nulls',
  list: 'lists',
  object: 'objects',
}

/** The types of a field's values; what is said of a type is said once. */
function showTypes({ types, range, length, elements = [], keys, isNested }: Field): string {
  if (isNested) return 'the same again, nested'
  const names = TYPE_NAMES.filter((name) => types[name] !== undefined)
  const numbers = names.includes('number') ? 'number' : 'integer'
  const [least, most] = range?.map(shortNumber) ?? []
  const between = least === undefined ? '' : least === most ? ` ${least}` : ` ${least} to ${most}`
  const shown = names
    // An integer among numbers is a number.
    .filter((name) => name !== 'integer' || numbers === 'integer')
    .map((name) => {
      if (name === numbers) return `${name}${between}`
      if (name === 'object' && keys !== undefined) return `object with ${counted(keys.length, 'key')}`
      return name === 'list' ? showList(length, elements) : name
    })
  return shown.join(' or ')
}

function showList(length: Field['length'], elements: readonly TypeName[]): string {
  if (length === undefined || elements.length === 0) return 'empty list'
  const count = length[0] === length[1] ? `${length[0]}` : `${length[0]} to ${length[1]}`
  const names = elements.map((name) => (length[1] === 1 ? name : PLURALS[name]))
  return `list of ${count} ${names.join(' or ')}`
}

/** A number with few digits: fractions may have many. */
const shortNumber = (json: string): string =>
  json.length > 10 && /[.eE]/.test(json) ? String(Number(Number(json).toPrecision(3))) : json

const showPresence = ({ count, of }: Field): string =>
  count === of ? '' : `in ${count.toLocaleString('en')} of ${of.toLocaleString('en')}`

function showExample({ values, example, types, keys }: Field): string {
  if (keys !== undefined) return keys.join(', ')
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(', ')
  // Of numbers the range says it.
  return example !== undefined && (types.text || types.boolean) ? example : ''
}

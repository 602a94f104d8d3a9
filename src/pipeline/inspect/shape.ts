import { decode } from '../../records/json-text.js'
import type { JsonRecord } from '../../records/record.js'
import { cut } from './shown.js'

/** Types of JSON values, as fields are described. */
export const TYPE_NAMES = ['text', 'integer', 'number', 'boolean', 'list', 'object', 'null'] as const
export type TypeName = (typeof TYPE_NAMES)[number]

/** Characters of an example. */
const EXAMPLE = 60

/** As many values of a text are told apart, of at most so many characters: there are fields with a handful of words. */
const MOST_VALUES = 6
const VALUE_CHARS = 24

/** A number, as it is written. */
interface Spelled {
  readonly value: number
  readonly json: string
}

/** A field of an object, with how many of the objects have it. */
export interface Member {
  count: number
  readonly shape: Shape
}

/** What was seen of the values in one place. */
export class Shape {
  readonly types = new Map<TypeName, number>()
  readonly members = new Map<string, Member>()
  /** Of lists: what is in them. */
  element: Shape | undefined
  least: Spelled | undefined
  most: Spelled | undefined
  /** Of lists: how long the shortest and the longest is. */
  shortest: number | undefined
  longest: number | undefined
  /** One of the texts, numbers, or booleans, as JSON. */
  example: string | undefined
  /** The texts, as long as they are few and short. */
  values: Set<string> | undefined = new Set()

  see(type: TypeName): void {
    this.types.set(type, (this.types.get(type) ?? 0) + 1)
  }

  seeText(text: string): void {
    this.see('text')
    if (this.example === undefined || this.example === '""') this.example = JSON.stringify(cut(text, EXAMPLE))
    if (text.length > VALUE_CHARS) this.values = undefined
    this.values?.add(text)
    if (this.values !== undefined && this.values.size > MOST_VALUES) this.values = undefined
  }

  seeNumber(json: string): void {
    const value = Number(json)
    this.see(/[.eE]/.test(json) ? 'number' : 'integer')
    this.example ??= cut(json, EXAMPLE)
    if (this.least === undefined || value < this.least.value) this.least = { value, json: cut(json, EXAMPLE) }
    if (this.most === undefined || value > this.most.value) this.most = { value, json: cut(json, EXAMPLE) }
  }

  seeBoolean(json: string): void {
    this.see('boolean')
    this.example ??= json
  }

  seeLength(length: number): void {
    if (this.shortest === undefined || length < this.shortest) this.shortest = length
    if (this.longest === undefined || length > this.longest) this.longest = length
  }

  /** Adds what was seen elsewhere. @param levels how far what is inside is added: it may hold the likes of itself */
  add(other: Shape, levels = 3): void {
    for (const [type, count] of other.types) this.types.set(type, (this.types.get(type) ?? 0) + count)
    for (const spelled of [other.least, other.most]) {
      if (spelled === undefined) continue
      if (this.least === undefined || spelled.value < this.least.value) this.least = spelled
      if (this.most === undefined || spelled.value > this.most.value) this.most = spelled
    }
    this.example ??= other.example
    this.values = undefined
    if (levels === 0) return
    for (const [name, { count, shape }] of other.members) {
      const member = this.members.get(name) ?? { count: 0, shape: new Shape() }
      this.members.set(name, member)
      member.count += count
      member.shape.add(shape, levels - 1)
    }
  }
}

/** Names in a field's path, at the most: what is deeper is not gone into. */
const MOST_DEPTH = 8

/** Levels of a record that are looked at, also where each is like the one before. */
const MOST_LEVELS = 100

/** Places that are told apart. Where every record has keys of its own there is no end of them. */
const MOST_PLACES = 400

/** A list or object on the way to a value. */
interface Ancestor {
  readonly key: string
  readonly type: 'list' | 'object'
  readonly shape: Shape
  readonly before: Ancestor | undefined
  readonly depth: number
}

/** The shape of some records. */
export class RecordShape {
  readonly root = new Shape()
  /** Whether there were more fields than are told apart. */
  isCut = false
  private places = 0

  take(record: JsonRecord): void {
    this.see(record, record.root, this.root, undefined, 0)
  }

  private see(
    record: JsonRecord,
    node: number,
    shape: Shape,
    within: Ancestor | undefined,
    level: number,
  ): void {
    if (level > MOST_LEVELS) return
    switch (record.type(node)) {
      case 'text':
        shape.seeText(decode(record.text(node)))
        break
      case 'number':
        shape.seeNumber(record.raw(node))
        break
      case 'true':
      case 'false':
        shape.seeBoolean(record.raw(node))
        break
      case 'null':
        shape.see('null')
        break
      case 'an object':
        shape.see('object')
        this.seeMembers(record, node, shape, within, level)
        break
      case 'an array':
        shape.see('list')
        this.seeElements(record, node, shape, within, level)
        break
    }
  }

  private seeMembers(
    record: JsonRecord,
    object: number,
    shape: Shape,
    within: Ancestor | undefined,
    level: number,
  ): void {
    if (within !== undefined && within.depth >= MOST_DEPTH) return
    // Of a repeated key the last one counts.
    const values = new Map<string, number>()
    const end = record.next(object)
    for (let at = record.first(object); at < end; at = record.next(at + 2))
      values.set(decode(record.key(at)), at + 2)
    for (const [key, node] of values) {
      const type = containerType(record, node)
      const same = type && ancestorOf(within, key, type)
      const member = this.memberOf(shape, key, same?.shape)
      if (member === undefined) continue
      member.count++
      const ancestor =
        same ?? (type && { key, type, shape: member.shape, before: within, depth: (within?.depth ?? 0) + 1 })
      this.see(record, node, member.shape, ancestor ?? within, level + 1)
    }
  }

  /** @param same what the member's value is known as, where it holds the likes of itself, as the replies of a reply */
  private memberOf(shape: Shape, key: string, same: Shape | undefined): Member | undefined {
    const known = shape.members.get(key)
    if (known !== undefined) return known
    const place = same ?? this.place()
    if (place === undefined) return undefined
    const member = { count: 0, shape: place }
    shape.members.set(key, member)
    return member
  }

  private place(): Shape | undefined {
    if (this.places < MOST_PLACES) {
      this.places++
      return new Shape()
    }
    this.isCut = true
    return undefined
  }

  private seeElements(
    record: JsonRecord,
    list: number,
    shape: Shape,
    within: Ancestor | undefined,
    level: number,
  ): void {
    let length = 0
    const end = record.next(list)
    const depth = (within?.depth ?? 0) + 1
    for (let node = record.first(list); node < end; node = record.next(node)) {
      length++
      if (depth > MOST_DEPTH) continue
      shape.element ??= this.place()
      if (shape.element === undefined) continue
      const type = containerType(record, node)
      // A list in a list has no key of its own, but is one level more.
      const inner = type === 'list' ? { key: '', type, shape: shape.element, before: within, depth } : within
      this.see(record, node, shape.element, inner, level + 1)
    }
    shape.seeLength(length)
  }
}

function containerType(record: JsonRecord, node: number): 'list' | 'object' | undefined {
  const type = record.type(node)
  if (type === 'an array') return 'list'
  return type === 'an object' ? 'object' : undefined
}

/** The list or object of the same name that a value is in. */
function ancestorOf(within: Ancestor | undefined, key: string, type: Ancestor['type']): Ancestor | undefined {
  for (let at = within; at !== undefined; at = at.before) if (at.key === key && at.type === type) return at
  return undefined
}

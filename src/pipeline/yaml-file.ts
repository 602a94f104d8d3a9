import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import { type Place, SteerpipeError } from '../errors.js'
import { lowerFirst } from './problems.js'
import { offsetOf } from './scalar-text.js'

/** Where something stands inside a definition: keys and indexes from its root. */
export type YamlPath = readonly (string | number)[]

/** More aliases than anyone writes. Resolving them takes time with their square. */
const MAX_ALIASES = 1000

/** What YAML does not allow in a file, though its library does. */
const CONTROL = /[^\P{Cc}\t\n\r\u0085]/u

/** A YAML file whose every value can be asked for its place. */
export class YamlFile {
  private readonly lines = new LineCounter()
  readonly document: Document
  private readonly aliases = new Map<Alias, Node>()
  /** Mistakes that YAML itself lets through. */
  private readonly refused: SteerpipeError[] = []

  /** @param file its name, for places */
  constructor(
    readonly file: string,
    private readonly text: string,
  ) {
    // What YAML would only warn of on stderr, such as an unknown tag, is among the mistakes.
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      logLevel: 'error',
      uniqueKeys: false, // the library compares each key with each; `lookThrough` looks for repeated ones
    })
    this.lookThrough()
  }

  /** What is wrong with it as YAML. */
  syntaxErrors(): SteerpipeError[] {
    const control = CONTROL.exec(this.text)
    if (control) {
      const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
      const place = this.placeAt(control.index)
      return [
        new SteerpipeError('DEFINITION_SYNTAX', {
          found: `the control character U+${code}`,
          fix: 'Leave it out.',
          place,
        }),
      ]
    }
    const lines = this.text.split('\n')
    const errors = new Map<number, SteerpipeError>()
    for (const error of [...this.document.errors, ...this.document.warnings]) {
      const place = this.placeAt(error.pos[0])
      const { line = 1 } = place
      // One mistake a line, and none that only follows from those before it.
      if (errors.has(line) || (errors.size > 0 && error.message.includes('in YAML stream'))) continue
      errors.set(
        line,
        new SteerpipeError('DEFINITION_SYNTAX', { ...explained(error, lines[line - 1] ?? ''), place }),
      )
    }
    return [...errors.values(), ...this.refused]
  }

  /** The value as plain JavaScript. @throws SteerpipeError DEFINITION_SYNTAX for aliases that multiply */
  toJS(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      throw new SteerpipeError('DEFINITION_SYNTAX', {
        found: lowerFirst(error instanceof Error ? error.message : String(error)),
        fix: 'Write out what the aliases (`*name`) stand for.',
        place: this.placeOf([]),
        cause: error,
      })
    }
  }

  /** What an alias stands for. */
  target(alias: Alias): Node | undefined {
    return this.aliases.get(alias)
  }

  /** The node at a path, if it is there. */
  nodeAt(path: YamlPath): Node | undefined {
    let node: unknown = this.document.contents
    for (const key of path) node = this.member(node, key)
    return isNode(node) ? node : undefined
  }

  /** The place of the value at a path, or of the nearest thing around it that is there. */
  placeOf(path: YamlPath): Place {
    for (let length = path.length; length >= 0; length--) {
      const range = this.nodeAt(path.slice(0, length))?.range
      if (range) return this.placeAt(range[0])
    }
    return this.placeAt(0)
  }

  /**
   * The place of a character of the text at a path; undefined where it cannot be told.
   *
   * @param text what the text became, with what was filled in
   */
  placeIn(path: YamlPath, character: number, text: string): Place | undefined {
    const range = this.nodeAt(path)?.range
    if (!range) return undefined
    const offset = offsetOf(character, text, this.text, range[0], range[1])
    return offset === undefined ? undefined : this.placeAt(offset)
  }

  /** The place of the key at the end of a path. */
  placeOfKey(path: YamlPath): Place {
    const key = path.at(-1)
    const parent = this.inside(this.nodeAt(path.slice(0, -1)))
    const found = isMap(parent) && key !== undefined ? this.pair(parent, key)?.key : undefined
    return isNode(found) && found.range ? this.placeAt(found.range[0]) : this.placeOf(path)
  }

  /** Puts another value into a map or a list, at the place of the one before. */
  put(path: YamlPath, value: unknown): void {
    const node = this.document.createNode(value)
    const range = this.nodeAt(path)?.range
    if (range) node.range = range
    const key = path.at(-1)
    const parent = this.inside(this.nodeAt(path.slice(0, -1)))
    if (isSeq(parent) && typeof key === 'number') parent.items[key] = node
    if (!isMap(parent) || key === undefined) return
    const pair = this.pair(parent, key)
    if (pair) pair.value = node
    else parent.set(key, node)
  }

  placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset)
    return { input: this.file, line, column: col }
  }

  /** The value of a member of a map or a list. */
  private member(of: unknown, key: string | number): unknown {
    const parent = this.inside(of)
    if (isSeq(parent)) return typeof key === 'number' ? parent.items[key] : undefined
    return isMap(parent) ? this.pair(parent, key)?.value : undefined
  }

  /** A member of a map, by its key as `toJS` spells it. */
  private pair(map: YAMLMap, key: string | number): Pair | undefined {
    return map.items.find((item) => isScalar(item.key) && String(item.key.value ?? '') === String(key))
  }

  /** A node, or what it stands for if it is an alias. */
  private inside(node: unknown): unknown {
    return isAlias(node) ? this.aliases.get(node) : node
  }

  /** Finds what each alias stands for: the last anchor of its name before it. Refuses what cannot be worked with. */
  private lookThrough(): void {
    const anchors = new Map<string, Node>()
    const refuse = (found: string, node: Node, fix = 'Write out what is meant.') => {
      const place = this.placeAt(node.range?.[0] ?? 0)
      this.refused.push(new SteerpipeError('DEFINITION_SYNTAX', { found, fix, place }))
    }
    visit(this.document, {
      Node: (_key, node, path) => {
        if (!isAlias(node)) {
          if (node.anchor !== undefined) anchors.set(node.anchor, node)
          for (const key of isMap(node) ? repeatedKeys(node) : []) {
            refuse('map keys must be unique', key, 'Leave out all but one.')
          }
          if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\0')) {
            refuse('a NUL character', node, 'Leave it out: no path can hold it.')
          }
          return undefined
        }
        const target = anchors.get(node.source)
        if (target === undefined) refuse(`there is no \`&${node.source}\` before \`*${node.source}\``, node)
        else if (path.includes(target)) refuse(`\`*${node.source}\` stands inside what it stands for`, node)
        else this.aliases.set(node, target)
        if (this.aliases.size <= MAX_ALIASES) return undefined
        refuse(`more than ${MAX_ALIASES} aliases`, node)
        return visit.BREAK
      },
    })
  }
}

/** The scalar keys of a map that stand there before. */
function repeatedKeys(map: YAMLMap): Node[] {
  const seen = new Set<unknown>()
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return []
    const repeated = seen.has(key.value)
    seen.add(key.value)
    return repeated ? [key] : []
  })
}

/** A mistake in YAML, as far as it can be told what was meant. */
function explained(error: YAMLParseError | YAMLWarning, line: string): { found: string; fix: string } {
  const plain = line.replace(/"[^"]*"|'[^']*'/g, '').replace(/(^|\s)#.*/, '')
  if ((error.code === 'UNEXPECTED_TOKEN' || error.code === 'MISSING_CHAR') && plain.includes('${')) {
    return {
      found: 'a `${…}` without quotes inside `{ }` or `[ ]`, where YAML takes its brace for a map’s',
      fix: 'Put the value in quotes: `{ to: "${out}/x.jsonl" }`.',
    }
  }
  if (error.message.includes('call stack')) {
    return { found: 'this is nested too deeply', fix: 'No pipeline needs that many levels.' }
  }
  if (error.code === 'MULTIPLE_DOCS') {
    return { found: 'a second YAML document begins here', fix: 'Give each pipeline a file of its own.' }
  }
  return { found: lowerFirst(error.message), fix: 'Mend the line.' }
}

import { type Document, isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { type Place, SteerpipeError } from '../errors.js'

/** Where something stands inside a definition: keys and indexes from its root. */
export type YamlPath = readonly (string | number)[]

/** A YAML file whose every value can be asked for its place. */
export class YamlFile {
  private readonly lines = new LineCounter()
  readonly document: Document

  /** @param file its name, for places */
  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false })
  }

  /** What is wrong with it as YAML. */
  syntaxErrors(): SteerpipeError[] {
    return this.document.errors.map((error) => {
      const place = this.placeAt(error.pos[0])
      const line = this.text.split('\n')[(place.line ?? 1) - 1] ?? ''
      return new SteerpipeError('DEFINITION_SYNTAX', {
        found: error.message.split('\n')[0],
        fix: /\{[^}]*(?<!["'$\w/-])\$\{/.test(line)
          ? 'Inside `{ }` YAML wants a value with `${name}` in quotes: `{ to: "${out}/x.jsonl" }`.'
          : undefined,
        place,
      })
    })
  }

  /** The value as plain JavaScript. @throws SteerpipeError DEFINITION_SYNTAX for aliases that multiply */
  toJS(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error)
      throw new SteerpipeError('DEFINITION_SYNTAX', { found, place: { input: this.file }, cause: error })
    }
  }

  /** The place of the value at a path, or of the nearest thing around it that is there. */
  placeOf(path: YamlPath): Place {
    for (let length = path.length; length > 0; length--) {
      const node = this.document.getIn(path.slice(0, length), true) as Node | undefined
      if (node?.range) return this.placeAt(node.range[0])
    }
    return this.placeAt(this.document.contents?.range?.[0] ?? 0)
  }

  /** The place of the key at the end of a path. */
  placeOfKey(path: YamlPath): Place {
    const parent = path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true)
    if (isMap(parent)) {
      const pair = parent.items.find((item: Pair) => isScalar(item.key) && item.key.value === path.at(-1))
      if (pair && isScalar(pair.key) && pair.key.range) return this.placeAt(pair.key.range[0])
    }
    return this.placeOf(path)
  }

  placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset)
    return { input: this.file, line, column: col }
  }
}

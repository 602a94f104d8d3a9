import type { ASTNode, SourceRange } from '@marcbachmann/cel-js'
import { suggestion } from '../suggest.js'
import type { SourceFields } from './filter-subject.js'

/** What may be asked for with `has` and is text: it is empty where there is none. */
const TEXTS: readonly string[] = ['system', 'part', 'label']

/** Something wrong with an expression that CEL itself would let through. */
export class RewriteError extends Error {
  constructor(
    readonly found: string,
    readonly at: number,
    readonly expected?: string,
  ) {
    super(found)
  }
}

/** A piece of the rewritten text, with where it comes from. */
interface Piece {
  /** Where it begins in the rewritten text. */
  readonly at: number
  readonly from: SourceRange
  /** Whether it is a copy, character by character. */
  readonly copied: boolean
}

/**
 * An expression written anew so that CEL's rules fit scores, which are NaN where they are missing: `a != b` is false
 * where one of them is missing, and `has(x)` can be asked of an attribute. All else means what it meant.
 */
export class Rewritten {
  text = ''
  private readonly pieces: Piece[] = []
  private readonly fields = new Set<string>()
  private usesAllFields = false
  private usesPart = false

  /**
   * @param original the text that `ast` was made of
   * @param attributes their names
   * @param functions the names of the functions that there are
   * @throws RewriteError for a `has` that cannot be asked, a function or a pattern that is none
   */
  constructor(
    private readonly original: string,
    ast: ASTNode,
    private readonly attributes: readonly string[],
    private readonly functions: readonly string[],
  ) {
    this.write(ast, new Set(['source']))
  }

  /** The fields of the source that it looks at. */
  get sourceFields(): SourceFields {
    return this.usesAllFields ? 'all' : [...this.fields]
  }

  /** Whether it asks for nothing but what a conversation itself says. */
  get asksForConversationOnly(): boolean {
    return !this.usesPart && !this.usesAllFields && this.fields.size === 0
  }

  /** What a range of the rewritten text is in the original. */
  originalRange({ start, end }: SourceRange): SourceRange {
    const first = this.pieceAt(start)
    const last = this.pieceAt(Math.max(start, end - 1))
    return {
      start: first.copied ? first.from.start + (start - first.at) : first.from.start,
      end: last.copied ? last.from.start + (end - last.at) : last.from.end,
    }
  }

  private pieceAt(position: number): Piece {
    return this.pieces.findLast(({ at }) => at <= position) ?? this.pieces[0]
  }

  private copy(from: SourceRange): void {
    this.pieces.push({ at: this.text.length, from, copied: true })
    this.text += this.original.slice(from.start, from.end)
  }

  private put(text: string, { range }: ASTNode): void {
    this.pieces.push({ at: this.text.length, from: range, copied: false })
    this.text += text
  }

  /** @param sourced the names that stand for the source, or for something in it */
  private write(node: ASTNode, sourced: ReadonlySet<string>): void {
    const put = (text: string): void => this.put(text, node)
    const write = (inner: ASTNode): void => this.write(inner, sourced)
    switch (node.op) {
      case 'value':
        this.copy(node.range)
        break
      case 'id':
        if (node.args === 'source') this.usesAllFields = true
        if (node.args === 'part') this.usesPart = true
        this.copy(node.range)
        break
      case '.':
      case '.?': {
        const [object, name] = node.args
        this.writeObject(object, name, sourced)
        put(node.op)
        this.copy({ start: node.pos, end: node.end })
        break
      }
      case '[]':
      case '[?]': {
        const [object, index] = node.args
        this.writeObject(object, index.op === 'value' ? index.args : undefined, sourced)
        put(node.op === '[]' ? '[' : '[?')
        write(index)
        put(']')
        break
      }
      case 'call': {
        const [name, args] = node.args
        this.checkFunction(name, node.start)
        if (name === 'has' && args.length === 1 && !isSourced(args[0], sourced)) {
          this.writeHas(node, args[0], sourced)
          break
        }
        put(`${name}(`)
        this.writeList(args, node, sourced)
        put(')')
        break
      }
      case 'rcall': {
        const [name, receiver, args] = node.args
        this.checkFunction(name, this.original.indexOf(name, receiver.end))
        if (name === 'matches') checkPattern(args[0])
        write(receiver)
        put(`.${name}(`)
        this.writeList(args, node, withVariable(name, receiver, args, sourced))
        put(')')
        break
      }
      case 'list':
        put('[')
        this.writeList(node.args, node, sourced)
        put(']')
        break
      case 'map':
        put('{')
        node.args.forEach(([key, value], index) => {
          if (index > 0) put(', ')
          write(key)
          put(': ')
          write(value)
        })
        put('}')
        break
      case '?:': {
        const [condition, whenTrue, whenFalse] = node.args
        put('(')
        write(condition)
        put(' ? ')
        write(whenTrue)
        put(' : ')
        write(whenFalse)
        put(')')
        break
      }
      case '!_':
      case '-_':
        put(`(${node.op[0]}(`)
        write(node.args)
        put('))')
        break
      default:
        this.writeBinary(node, sourced)
    }
  }

  private writeBinary(node: ASTNode & { readonly op: BinaryOp }, sourced: ReadonlySet<string>): void {
    const [left, right] = node.args
    if ((node.op === '&&' || node.op === '||') && left.op === node.op) {
      // A chain stays one: parentheses would nest as deep as it is long.
      this.writeChain(node, sourced)
      return
    }
    const compare = (a: ASTNode, op: string, b: ASTNode): void => {
      this.put('(', node)
      this.write(a, sourced)
      this.put(` ${op} `, node)
      this.write(b, sourced)
      this.put(')', node)
    }
    if (node.op !== '!=') {
      compare(left, node.op, right)
      return
    }
    this.put('(', node)
    compare(left, '!=', right)
    for (const operand of [left, right]) {
      if (operand.op === 'value') continue
      this.put(' && ', node)
      compare(operand, '==', operand)
    }
    this.put(')', node)
  }

  private writeChain(node: ASTNode & { readonly op: '&&' | '||' }, sourced: ReadonlySet<string>): void {
    const operands: ASTNode[] = []
    let first: ASTNode = node
    while (first.op === node.op) {
      operands.unshift(first.args[1])
      first = first.args[0]
    }
    this.put('(', node)
    this.write(first, sourced)
    for (const operand of operands) {
      this.put(` ${node.op} `, node)
      this.write(operand, sourced)
    }
    this.put(')', node)
  }

  private checkFunction(name: string, at: number): void {
    if (this.functions.includes(name)) return
    throw new RewriteError(`there is no function \`${name}\`${suggestion(name, this.functions)}`, at)
  }

  private writeHas(node: ASTNode, asked: ASTNode, sourced: ReadonlySet<string>): void {
    const name = lastName(asked)
    if (name !== undefined && (TEXTS.includes(name) || this.attributes.includes(name))) {
      this.put('(', node)
      this.write(asked, sourced)
      if (TEXTS.includes(name)) this.put(' != ""', node)
      else {
        this.put(' == ', node)
        this.write(asked, sourced)
      }
      this.put(')', node)
      return
    }
    const known = [...this.attributes, ...TEXTS]
    throw new RewriteError(
      `\`has\` cannot ask for ${name === undefined ? 'what has no name' : `\`${name}\`${suggestion(name, known)}`}`,
      asked.pos,
      `what may be missing: ${known.join(', ')}, or a field of \`source\``,
    )
  }

  private writeObject(object: ASTNode, member: unknown, sourced: ReadonlySet<string>): void {
    if (object.op === 'id' && object.args === 'source' && typeof member === 'string') {
      this.fields.add(member)
      this.copy(object.range)
    } else this.write(object, sourced)
  }

  private writeList(nodes: readonly ASTNode[], parent: ASTNode, sourced: ReadonlySet<string>): void {
    nodes.forEach((node, index) => {
      if (index > 0) this.put(', ', parent)
      this.write(node, sourced)
    })
  }
}

type BinaryOp = '||' | '&&' | '!=' | '==' | 'in' | '+' | '-' | '*' | '/' | '%' | '<' | '<=' | '>' | '>='

/** Refuses a pattern that is no regular expression, where it can be seen. */
function checkPattern(pattern: ASTNode | undefined): void {
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return
  try {
    new RegExp(pattern.args)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const said = error.message.replace(/^Invalid regular expression: /, '')
    throw new RewriteError(`the pattern is no regular expression: ${said}`, pattern.start)
  }
  // CEL's patterns are RE2's, which has none of these: they cannot be matched in linear time.
  const found = BACKTRACKING.exec(pattern.args)?.[1]
  if (found === undefined) return
  throw new RewriteError(
    `the pattern has \`${found}\` in it, which CEL’s patterns do not have`,
    pattern.start,
  )
}

/** What looks ahead or back, or refers to a group. */
const BACKTRACKING = /^(?:\\[^1-9k]|\[(?:\\.|[^\]\\])*\]|[^\\[(]|\((?!\?<?[=!]))*(\(\?<?[=!]|\\[1-9k])/

/** The name at the end of `helpfulness`, `t.helpfulness` or `t["helpfulness"]`. */
function lastName(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args
  if (node.op === '.') return node.args[1]
  const index = node.op === '[]' ? node.args[1] : undefined
  return index?.op === 'value' && typeof index.args === 'string' ? index.args : undefined
}

/** Whether a value is the source, or something in it. */
function isSourced(node: ASTNode, sourced: ReadonlySet<string>): boolean {
  switch (node.op) {
    case 'id':
      return sourced.has(node.args)
    case '.':
    case '.?':
    case '[]':
    case '[?]':
      return isSourced(node.args[0], sourced)
    case 'rcall':
      return isSourced(node.args[1], sourced)
    default:
      return false
  }
}

/** The names that stand for the source inside a macro, such as `exists(t, …)`, whose first argument is a variable. */
function withVariable(
  macro: string,
  receiver: ASTNode,
  [variable, bound]: readonly ASTNode[],
  sourced: ReadonlySet<string>,
): ReadonlySet<string> {
  if (variable?.op !== 'id') return sourced
  const value = macro === 'bind' ? bound : receiver
  const inside = new Set(sourced)
  if (isSourced(value, sourced)) inside.add(variable.args)
  else inside.delete(variable.args)
  return inside
}

import { createRequire } from 'node:module'
import type { Environment, EvaluationError, ParseError, ParseResult } from '@marcbachmann/cel-js'
import { SteerpipeError } from '../errors.js'
import { v8 } from '../lazy-node.js'
import type { Attribute } from '../records/attributes.js'
import type { AnyRecord } from '../records/batch.js'
import { LEFT } from '../records/direct.js'
import type { RawLines } from '../records/raw-lines.js'
import { suggestion } from '../suggest.js'
import { RewriteError, Rewritten } from './filter-rewrite.js'
import { SUBJECT_TYPES, Subject, TURN_TYPES } from './filter-subject.js'

/** What is wrong with an expression. */
export interface ExpressionMistake {
  readonly found: string
  readonly expected?: string | undefined
  readonly fix?: string | undefined
  /** Where, in characters of the expression. */
  readonly at: number
}

/** An expression that was checked, or what is wrong with it. */
export type Compiled =
  | { readonly mistake: ExpressionMistake }
  | {
      /**
       * Whether it holds for a record.
       *
       * @throws SteerpipeError FILTER_FAILED, and what is wrong with the record
       */
      readonly holds: (record: AnyRecord) => boolean
      /** The same of a record as it lies: 1, 0, or {@link LEFT}. Undefined if it asks for more than lies there. */
      readonly holdsRaw: ((lines: RawLines) => number) | undefined
    }

/** An error of CEL's. */
type CelError = ParseError | EvaluationError

const LANGUAGE = 'https://github.com/google/cel-spec/blob/master/doc/langdef.md'

/** The most values that a list in an expression may have: many identifiers, say. */
const MAX_LIST = 100_000

/** How deep a rewritten expression may be nested: deeper than CEL allows the original to be, for its parentheses. */
const MAX_DEPTH = 2000

/** Names of variables, as CEL has them. */
const IDENTIFIER = /^[A-Za-z_]\w*$/

/** Checks an expression, and makes it ready to be asked of records. */
export function compile(where: string, attributes: readonly Attribute[]): Compiled {
  // What every object has is no name to ask for.
  const names = attributes.map(({ name }) => name).filter((name) => !(name in Object.prototype))
  let rewritten: Rewritten | undefined
  try {
    const { Environment } = library()
    const plain = new Environment({ limits: { maxListElements: MAX_LIST } })
    const functions = [...new Set(plain.getDefinitions().functions.map(({ name }) => name))]
    rewritten = new Rewritten(where, plain.parse(where).ast, names, functions)
    const subject = new Subject(attributes, rewritten.sourceFields)
    const limits = { maxListElements: MAX_LIST, maxDepth: MAX_DEPTH }
    const run = environment(new Environment({ limits }), subject, names).parse(rewritten.text)
    const { type, error } = run.check()
    if (error !== undefined) throw error
    if (type !== 'bool' && type !== 'dyn') return { mistake: notBool(type, where) }
    const holdsRaw = rewritten.asksForConversationOnly ? askedRaw(run, subject) : undefined
    return { holds: asked(run, subject, where, rewritten), holdsRaw }
  } catch (error) {
    if (error instanceof RewriteError) return { mistake: error }
    if (error instanceof RangeError) return { mistake: { found: 'the expression is too long', at: 0 } }
    if (!isCelError(error)) throw error
    return { mistake: explained(error, where, rewritten, names) }
  }
}

/** The library, loaded when the first expression is there to be read: most runs have none. */
function library(): typeof import('@marcbachmann/cel-js') {
  // Not `import`: a stage is made, and refuses its options, without waiting.
  // A pattern that backtracks without end goes on in V8's other engine, which takes linear time.
  v8().setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
  return createRequire(import.meta.url)('@marcbachmann/cel-js')
}

/** What expressions may name and do. */
function environment(empty: Environment, subject: Subject, names: readonly string[]): Environment {
  const scores = Object.fromEntries(names.map((name) => [name, 'double']))
  const made = empty
    .registerType('Scores', { ctor: subject.scoresView, fields: scores })
    .registerType('Turn', { ctor: subject.turnView, fields: { ...scores, ...TURN_TYPES } })
  for (const [name, type] of Object.entries({ ...scores, ...SUBJECT_TYPES })) {
    if (mayStandAlone(name) && !made.hasVariable(name)) made.registerVariable(name, type)
  }
  // CEL is strict about the types of numbers; a score may be compared with `3`, too.
  const operators = made as Environment & SyncOperators // its types do not have the option
  const sync = { async: false } as const
  operators.registerOperator('double == int', (a: number, b: bigint) => a === Number(b), sync)
  for (const [operator, apply] of ARITHMETIC) {
    const mixed = (a: number | bigint, b: number | bigint) => apply(Number(a), Number(b))
    operators.registerOperator(`double ${operator} int: double`, mixed, sync)
    operators.registerOperator(`int ${operator} double: double`, mixed, sync)
  }
  return made
}

/** How the library takes operators that give no promises, which it need not look for then. */
interface SyncOperators {
  registerOperator<Left, Right>(
    signature: string,
    apply: (left: Left, right: Right) => unknown,
    options: { readonly async: false },
  ): void
}

/** Words that CEL does not take for names. */
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop namespace null package prototype return true var void while'.split(
    ' ',
  ),
)

const mayStandAlone = (name: string): boolean => IDENTIFIER.test(name) && !RESERVED.has(name)

const ARITHMETIC: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
]

function asked(
  run: ParseResult,
  subject: Subject,
  where: string,
  rewritten: Rewritten,
): (record: AnyRecord) => boolean {
  return (record) => {
    subject.take(record)
    let result: unknown
    try {
      result = run(subject.context)
    } catch (error) {
      throw subject.fault ?? failed(error, where, rewritten)
    }
    if (subject.fault !== undefined) throw subject.fault
    if (typeof result === 'boolean') return result
    throw new SteerpipeError('FILTER_FAILED', {
      found: `the expression gives ${described(result)}`,
      expected: '`true` or `false`',
      fix: 'Compare it with something: `… == …`.',
    })
  }
}

/** What is not true or false, or fails, is told by {@link asked}. */
function askedRaw(run: ParseResult, subject: Subject): (lines: RawLines) => number {
  return (lines) => {
    if (!subject.takeRaw(lines)) return LEFT
    let result: unknown
    try {
      result = run(subject.context)
    } catch {
      return LEFT
    }
    if (subject.fault !== undefined || typeof result !== 'boolean') return LEFT
    return result ? 1 : 0
  }
}

/** What an expression gave. */
function described(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return 'text'
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : 'a list or map'
}

/** The error for a record that an expression cannot be asked of. */
function failed(error: unknown, where: string, rewritten: Rewritten): unknown {
  // Values that are nested very deeply exhaust the stack when they are compared.
  if (error instanceof RangeError) {
    return new SteerpipeError('FILTER_FAILED', { found: 'a value is nested too deeply', cause: error })
  }
  if (!isCelError(error)) return error
  const { start, end } = rewritten.originalRange(error.node ?? error.range ?? { start: 0, end: 0 })
  const part = where.slice(start, end)
  return new SteerpipeError('FILTER_FAILED', {
    found: `${lowerFirst(error.summary)}, in \`${part}\``,
    fix: REMEDIES[error.code]?.(part),
    cause: error,
  })
}

/** What to do about a record that an expression cannot be asked of, by the error's code. */
const REMEDIES: Readonly<Record<string, ((part: string) => string) | undefined>> = {
  no_such_key: (part) =>
    /\.\w+$/.test(part)
      ? `Ask first whether it is there: \`has(${part}) && …\`.`
      : 'Ask first whether it is there: `"name" in source && …`.',
  invalid_regular_expression: () => 'Mend the pattern.',
  index_out_of_bounds: () => 'Ask first how many there are: `size(turns) > 2 && …`.',
}

function notBool(type: string | undefined, where: string): ExpressionMistake {
  return {
    found: `the expression gives ${type}`,
    expected: '`true` or `false`',
    fix:
      type === 'double'
        ? `Compare the score with something: \`${where.trim()} >= 3.0\`.`
        : 'Compare it with something.',
    at: 0,
  }
}

/** What CEL has against an expression, in our words. */
function explained(
  error: CelError,
  where: string,
  rewritten: Rewritten | undefined,
  names: readonly string[],
): ExpressionMistake {
  const given = error.range ?? { start: 0, end: 0 }
  const range = rewritten?.originalRange(given) ?? given
  const part = where.slice(range.start, range.end)
  const at = range.start
  if (error.code === 'unknown_variable') {
    const alone = names.filter(mayStandAlone)
    const others = names
      .filter((name) => !mayStandAlone(name))
      .map((name) => `scores[${JSON.stringify(name)}]`)
    const known = [...new Set([...alone, ...Object.keys(SUBJECT_TYPES), ...others])]
    return {
      found: `there is no \`${part}\`${suggestion(part, known)}`,
      expected: known.join(', '),
      fix: 'A field of the record that was read is `source.NAME`; text stands in quotes.',
      at,
    }
  }
  if (error.code === 'no_such_key') {
    const known = /\bScores\b/.test(error.summary)
      ? names
      : [...new Set([...names, ...Object.keys(TURN_TYPES)])]
    return { found: `there is no \`${part}\`${suggestion(part, known)}`, expected: known.join(', '), at }
  }
  if (error.code === 'unexpected_token') {
    const found = part === '' ? 'the expression ends too early' : `\`${part}\` where it does not belong`
    return { found, fix: hint(error, where, at), at }
  }
  return { found: inWords(error.summary), fix: hint(error, where, at), at }
}

/** An integer in a list, where a score is looked for or another one stands. */
const INTS_IN_LIST =
  /overload: (double in list<int>|int in list<double>|list<(int|double)> [!=]= list<)|'double' but found 'int'/

/** What was likely meant. */
function hint({ code, summary }: CelError, where: string, at: number): string {
  if (code === 'unexpected_character' && where[at] === '=') return 'To compare, write `==`.'
  if (INTS_IN_LIST.test(summary)) return 'In a list with scores write `3.0`, not `3`.'
  if (/^Unexpected (token|character)/.test(summary) && /\b(and|or|not)\b/i.test(where)) {
    return '`and`, `or` and `not` are written `&&`, `||` and `!`.'
  }
  return `Mend the expression. The language is the Common Expression Language, CEL: ${LANGUAGE}`
}

/** What CEL calls its tokens. */
const TOKENS: Readonly<Record<string, string>> = {
  EOF: 'the end',
  IDENTIFIER: 'a name',
  RPAREN: '`)`',
  RBRACKET: '`]`',
  RBRACE: '`}`',
  COLON: '`:`',
}

const inWords = (summary: string): string =>
  lowerFirst(summary.replace(/\b[A-Z]{3,}\b/g, (token) => TOKENS[token] ?? token))

const isCelError = (error: unknown): error is CelError =>
  error instanceof Error && 'summary' in error && typeof error.summary === 'string'

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

/**
 * Every error that steerpipe knows: what causes it and what cures it.
 * The README's table is generated from here. A record that is set aside is counted under its code.
 */
export const CATALOGUE = {
  NOT_UTF8: {
    cause: 'The bytes of a line or document are not UTF-8.',
    cure: 'Convert the file, for example with `iconv -f latin1 -t utf-8`.',
  },
  JSON_SYNTAX: {
    cause: 'A line or document is not legal JSON (`NaN` and trailing commas are not).',
    cure: 'Mend the line, or go on without it with `--on-error skip`.',
  },
  NOT_AN_OBJECT: {
    cause: 'A line is legal JSON, but not an object.',
    cure: 'Each line must hold one record, `{…}`. For one big array use `parse: { format: json }`.',
  },
  TOO_DEEP: {
    cause: 'JSON is nested deeper than 100,000 levels.',
    cure: 'Flatten the record, or go on without it with `--on-error skip`.',
  },
  LINE_TOO_LONG: {
    cause: 'A line is longer than `max-line-bytes` (64 MiB by default).',
    cure: 'Raise `max-line-bytes` of `parse`. If the file is one big JSON document use `format: json`.',
  },
  NO_SUCH_PATH: {
    cause:
      'A JSON document has nothing under the `path` that `parse` was given, or no array or object there.',
    cure: 'Correct the `path`: keys joined by dots, leading to the array of records.',
  },
  MISSING_FIELD: {
    cause: 'A record has no field that the stage needs.',
    cure: 'Check that the data set, the mapping and the order of the stages fit the data.',
  },
  WRONG_TYPE: {
    cause: 'A field holds another type than the stage needs, such as a number where text belongs.',
    cure: 'Mend the record, or go on without it with `--on-error skip`.',
  },
  WRONG_RECORD: {
    cause: 'A record is of another shape than the stage takes, such as a row where a conversation belongs.',
    cure: 'Add the stage that makes the shape that is needed.',
  },
  UNLABELLED_SCORES: {
    cause: 'A turn has `scores` but no `label` yet, so regression-expand would leave it out.',
    cure: 'Put `label-format` before `regression-expand`.',
  },
  BAD_SCORE: {
    cause: 'A score is not a finite number, nor text that spells one.',
    cure: 'Mend the record, or go on without it with `--on-error skip`.',
  },
  BAD_LABEL: {
    cause: 'A label is not of the form `name:number,name:number`.',
    cure: 'Mend the label, or go on without the record with `--on-error skip`.',
  },
  BAD_TREE: {
    cause:
      'Messages do not make a tree: one replies to a message that does not stand before it in its tree, an id occurs twice, or a role is neither `prompter` nor `assistant`.',
    cure: 'Mend the tree, or go on without it with `--on-error skip`.',
  },
  OUT_OF_RANGE: {
    cause: 'With `range: error`, a score lies outside the range of its attribute.',
    cure: 'Mend the score, widen the attribute, or use `range: clamp` or `range: keep`.',
  },
  GROUP_INCOMPLETE: {
    cause: 'With `group: n`, the number of records is not a multiple of n.',
    cure: 'Look for a record that is missing or too many, or leave `group` out.',
  },
  PLAIN_OBJECT: {
    cause: 'Something written into a stage is neither a batch nor a plain object that JSON can spell.',
    cure: 'Write objects made of strings, finite numbers, booleans, null, arrays and objects; bytes go into `parse()`.',
  },
  MAP_FAILED: {
    cause: 'The function of a `map` threw an error, or returned something that is no record.',
    cure: 'Mend the function, or go on without the record with `--on-error skip`.',
  },
  FILTER_FAILED: {
    cause: 'The expression of a `filter` cannot be evaluated for a record, such as for want of a field.',
    cure: 'Let the expression ask first (`has(source.x) && …`, `type(source.x) == string && …`), or go on without the record with `--on-error skip`.',
  },
  THREAD_LOST: {
    cause: 'One of the threads that a run works on has ended by itself, or has run out of memory.',
    cure: 'Run again with `--workers 0`, which does all on one thread.',
  },
  MEMORY_FULL: {
    cause: 'A stage that holds something for each record has come to the end of its `memory`.',
    cure: 'Raise the option `memory` of the stage.',
  },
  SERVER_UNREACHABLE: {
    cause: 'No reward server was ready for as long as `wait-ready` says.',
    cure: 'Start the server, or correct its address, and run again; `wait-ready` says how long to wait.',
  },
  SERVER_WRONG: {
    cause:
      'A reward server is not the one that was declared: other names, other types, another number of scores.',
    cure: 'Name the server’s own scores in their order with `heads`, or correct `server`, `protocol` or `model`.',
  },
  SERVER_DENIED: {
    cause: 'A reward server refuses to be used: the key is missing or wrong, or it has moved.',
    cure: 'Put the key into the environment and name its variable with `api-key-env`.',
  },
  SERVER_FAILING: {
    cause: 'A reward server fails so often that asking again makes no sense.',
    cure: 'Look at the server’s log; when it is well again, run again.',
  },
  SERVER_REFUSED: {
    cause: 'A reward server refuses a text, however often it is asked.',
    cure: 'Look at the record; a limit for long texts is `max-chars`. Go on without it with `--on-error skip`.',
  },
  SCORES_UNUSABLE: {
    cause:
      'A reward server gives scores for a text that are no numbers, or too few of them, however often it is asked.',
    cure: 'Look at the record and at the server; go on without the record with `--on-error skip`.',
  },
  TEXT_TOO_LONG: {
    cause: 'A conversation is longer than `max-chars` of `annotate` allows.',
    cure: 'Use `on-long: cut-turns` or `on-long: skip`, or raise `max-chars` if the server takes more.',
  },
  NOT_SENDABLE: {
    cause:
      'A text has half of a surrogate pair in it, which UTF-8 cannot spell, so that no server can be asked about it.',
    cure: 'Mend the record, or go on without it with `--on-error skip`.',
  },
  READ_FAILED: {
    cause: 'The system could not read an input.',
    cure: 'See the reason that the system gave.',
  },
  GZIP_DAMAGED: {
    cause: 'A gzip input is cut short or damaged.',
    cure: 'Fetch the file again; `gzip -t FILE` says whether it is whole.',
  },
  WRITE_FAILED: {
    cause: 'The system could not write an output.',
    cure: 'See the reason that the system gave, free space or choose another place.',
  },
  OUTPUT_EXISTS: {
    cause: 'An output is there already.',
    cure: 'Choose another name, or replace it with `--force` (or `overwrite: true` in the definition).',
    exit: 2,
  },
  OUTPUT_CONFLICT: {
    cause: 'An output would overwrite an input, or two outputs have one name.',
    cure: 'Give each output a name of its own; `${input}` and `${part}` help.',
    exit: 2,
  },
  OUTPUT_LOCKED: {
    cause: 'Another run is writing an output, or the record of how far it has come.',
    cure: 'Wait until it has ended, or give this run outputs of its own.',
  },
  RUN_UNFINISHED: {
    cause: 'An earlier run of the same outputs was stopped, and what it had done would be thrown away.',
    cure: 'Go on with `--resume`, or begin anew with `--force`.',
    exit: 2,
  },
  RESUME_REFUSED: {
    cause:
      'A run cannot be gone on with: what it had read, a part of the definition that changes the output, or what it had written is another now.',
    cure: 'Put back what was changed, or begin anew: without `--resume`, with `--force`.',
    exit: 2,
  },
  MERGE_REFUSED: {
    cause: 'Records that were set aside cannot be put back into an output in their order.',
    cure: 'Leave `--merge-into` out: what is made of them goes to files of its own.',
    exit: 2,
  },
  TOO_MANY_ERRORS: {
    cause: 'More records were left out than `--max-errors` allows.',
    cure: 'Look at what was left out, mend the data or the definition, and run again; or raise `--max-errors`.',
  },
  NO_SUCH_INPUT: {
    cause: 'An input does not exist, or a pattern matches no file.',
    cure: 'Correct the path. Relative paths are from the working folder.',
    exit: 2,
  },
  BAD_ADDRESS: {
    cause: 'An input looks like an address, and is none that steerpipe can open.',
    cure: 'Write `hf://datasets/OWNER/NAME/FILE`, `hf://datasets/OWNER/NAME@REVISION/FILE` or `https://…`; of any other kind download the file, and give its path.',
    exit: 2,
  },
  HUB_DENIED: {
    cause:
      'A data set on the hub is gated or private, and the token (or nobody without one) may not read it.',
    cure: 'Accept the terms on the page of the data set, and set a token of that account: `HF_TOKEN=hf_…`, or `hf auth login`.',
  },
  HUB_OFFLINE: {
    cause: 'HF_HUB_OFFLINE is set, and what is to be read is not in the cache.',
    cure: 'Run once with the network, or download the files elsewhere and give the folder: `--set source=FOLDER`.',
  },
  UNREACHABLE: {
    cause: 'A server from which an input is to be read cannot be reached, or fails again and again.',
    cure: 'Look at the network, and at HTTPS_PROXY. Without a network: download the files once elsewhere, keep their names, and give the folder: `--set source=FOLDER`.',
  },
  DOWNLOAD_REFUSED: {
    cause: 'A server does not give a file that is to be read.',
    cure: 'Look whether the address is right, and opens without a password.',
  },
  DOWNLOAD_DAMAGED: {
    cause:
      'What was downloaded has not the length or the hash that it should have, or has changed in the middle.',
    cure: 'Run again: it is downloaded anew.',
  },
  DEFINITION_SYNTAX: {
    cause: 'A pipeline file is not legal YAML.',
    cure: 'Mend the line. Inside `{ }` YAML wants `"${name}"` in quotes.',
    exit: 2,
  },
  DEFINITION_INVALID: {
    cause: 'A pipeline file says something that is not known or not of the right type.',
    cure: '`steerpipe lint FILE` shows every mistake with its place.',
    exit: 2,
  },
  UNKNOWN_STAGE: {
    cause: 'There is no stage of that name.',
    cure: '`steerpipe list` shows the stages.',
    exit: 2,
  },
  UNKNOWN_NAME: {
    cause: '`${name}` is not among the definition’s vars.',
    cure: 'Add it to `vars`, or write `${name:-default}`.',
    exit: 2,
  },
  VAR_UNSET: {
    cause: 'A var of the definition has no value (it is null there).',
    cure: 'Give it one: `--set name=value`.',
    exit: 2,
  },
  WIRE_MISFIT: {
    cause: 'What one stage gives is not what the next one takes.',
    cure: 'Change the order, or put the missing stage between; `steerpipe explain FILE` shows what flows.',
    exit: 2,
  },
  BAD_OPTION: {
    cause: 'An option of a stage is unknown, or has a value that it cannot have.',
    cure: '`steerpipe STAGE --help` shows the options.',
    exit: 2,
  },
  BAD_EXPRESSION: {
    cause:
      'The expression of a `filter` cannot be read, names what records do not have, or gives no truth value.',
    cure: 'Mend the expression; `steerpipe filter --help` says what it may name.',
    exit: 2,
  },
  MAP_MODULE: {
    cause:
      'The module of a `map` does not exist, cannot be loaded, exports no function by default, or lies outside the folder of the pipeline file.',
    cure: 'Correct the path (in a pipeline file it is from the folder of that file), or the module.',
    exit: 2,
  },
  USAGE: {
    cause: 'The command line cannot be understood.',
    cure: '`steerpipe --help` shows the commands, `steerpipe COMMAND --help` their options.',
    exit: 2,
  },
} as const satisfies Record<string, { cause: string; cure: string; exit?: number }>

/** The code of an error that steerpipe knows. */
export type ErrorCode = keyof typeof CATALOGUE

/** Where in the data something was found. */
export interface Place {
  /** The file as it was named, `-` for stdin, or what stands for a stream in a script. */
  readonly input: string
  /** Line number from 1; undefined where the input has no lines (objects, JSON documents). */
  readonly line?: number | undefined
  /** Number of the record from 1, where the input has no lines. */
  readonly record?: number | undefined
  /** Bytes before the record in the decompressed stream. */
  readonly offset?: number | undefined
  /** Column from 1; in pipeline files only. */
  readonly column?: number | undefined
}

/** `file:12 (byte 3456)`, as errors show a place. */
export function showPlace(place: Place): string {
  let text = place.input === '-' ? 'stdin' : place.input
  if (place.line !== undefined) text += `:${place.line}`
  if (place.column !== undefined) text += `:${place.column}`
  if (place.record !== undefined) text += `, record ${place.record}`
  return place.offset === undefined ? text : `${text} (byte ${place.offset})`
}

/** Whether a place stands behind another one, for places that come in the order in which they were read. */
export function isBehind(place: Place, other: Place): boolean {
  // What comes from another input comes later.
  if (place.input !== other.input) return true
  if (place.offset !== undefined && other.offset !== undefined) return place.offset > other.offset
  return (place.line ?? place.record ?? 0) > (other.line ?? other.record ?? 0)
}

/** What an error says, beside its code. */
export interface ErrorDetails {
  /** What was found, as a short sentence without its full stop. */
  readonly found: string
  /** What was expected instead. */
  readonly expected?: string | undefined
  /** What to do; default: the cure that the catalogue names for the code. */
  readonly fix?: string | undefined
  readonly place?: Place | undefined
  /** The stage that found it. */
  readonly stage?: string | undefined
  readonly cause?: unknown
  /** How often it was tried before it was given up; default once. */
  readonly tries?: number
}

/** An error that steerpipe knows: it has a code, a place, what was found, what was expected and what to do. */
export class SteerpipeError extends Error {
  override readonly name = 'SteerpipeError'
  readonly found: string
  readonly expected: string | undefined
  readonly fix: string
  readonly tries: number
  place: Place | undefined
  stage: string | undefined

  constructor(
    readonly code: ErrorCode,
    details: ErrorDetails,
  ) {
    super(details.found, details.cause === undefined ? undefined : { cause: details.cause })
    this.found = printable(details.found)
    this.expected = details.expected === undefined ? undefined : printable(details.expected)
    this.fix = printable(details.fix ?? CATALOGUE[code].cure)
    this.tries = details.tries ?? 1
    this.place = details.place
    this.stage = details.stage
    this.compose()
  }

  /** Says where the error is, unless it knows already. Returns itself. */
  at(place: Place, stage?: string): this {
    this.place ??= place
    this.stage ??= stage
    this.compose()
    return this
  }

  /** The process's exit code for this error: 2 for usage and definitions, 1 for what went wrong in a run. */
  get exitCode(): number {
    const entry = CATALOGUE[this.code]
    return 'exit' in entry ? entry.exit : 1
  }

  private compose(): void {
    const where = [this.place && showPlace(this.place), this.stage].filter(Boolean).join(', ')
    this.message =
      (where ? `${where}: ` : '') +
      this.found +
      (this.expected === undefined ? '' : `; expected ${this.expected}`) +
      `. ${this.fix} [${this.code}]`
  }
}

/** Text whose control characters are spelled out: what stands in data may do nothing to a terminal. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A short quotation of a value for an error: at most 60 characters, on one line. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}…` : text
  return JSON.stringify(short)
}

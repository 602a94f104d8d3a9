import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '../../src/errors.js'
import { lines } from '../support/command.js'
import { labelled, ROWS, sample, scored } from './data.js'

/** A command line that fails, and what it says. */
export interface ErrorCase {
  readonly code: ErrorCode
  /** `in` is a file with the input; without it the input is on stdin. */
  readonly args: readonly string[]
  readonly input?: string | Uint8Array
  readonly files?: Readonly<Record<string, string>>
  /** Default 1. */
  readonly exit?: number
  /** Where: place and stage, as they stand before the first `: `. */
  readonly where: string
  readonly found: string | RegExp
  /** What was expected, where that says more than what was found. */
  readonly expected?: string
  /** The beginning of what to do. */
  readonly fix: string
  /** The data that arrives all the same. */
  readonly stdout?: string
}

const [row] = ROWS
const good = lines(row)
const conversation = labelled(row)
const byte = good.length
const deep = `{"a":${'['.repeat(100_001)}${']'.repeat(100_001)}}\n`
const TEMPLATE = ['template', '--dataset', 'helpsteer2']
const damaged = gzipSync(good.repeat(2))
damaged[damaged.length - 6] ^= 0xff

/** Many records that differ. */
const numbers = (count: number): string => lines(...Array.from({ length: count }, (_, n) => ({ n })))

/** How many of them `dedupe` can hold in its least memory. */
const HELD = 47_103

const MEND = 'Mend the record, or go on without it with `--on-error skip`.'
const MEND_LINE = 'Mend the line, or go on without it with `--on-error skip`.'
const MEND_DOCUMENT = 'Mend the document. The records before this place can be read, but none after it.'
const CONVERT = 'Convert the file, for example with `iconv -f latin1 -t utf-8`.'
const CHECK = 'Check that the data set, the mapping and the order of the stages fit the data.'
const FETCH = 'Fetch the file again; `gzip -t FILE` says whether it is whole.'

/** A case with a good record before the bad one. */
const second = (
  code: ErrorCode,
  args: readonly string[],
  bad: string | Uint8Array,
  says: Pick<ErrorCase, 'found' | 'expected' | 'fix'>,
): ErrorCase => ({
  code,
  args: [...args, 'in'],
  input: Buffer.concat([Buffer.from(good), Buffer.from(bad)]),
  where: `in:2 (byte ${byte}), ${args[0]}`,
  stdout: args[0] === 'template' ? scored(row) : good,
  ...says,
})

const expand = (
  code: ErrorCode,
  bad: string,
  says: Pick<ErrorCase, 'found' | 'expected' | 'fix'>,
  flags: readonly string[] = [],
): ErrorCase => ({
  code,
  args: ['regression-expand', ...flags],
  input: conversation + bad,
  where: `stdin:2 (byte ${Buffer.byteLength(conversation)}), regression-expand`,
  stdout: sample(row),
  ...says,
})

/** Bad bytes, and bad records. */
export const DATA_ERRORS: readonly ErrorCase[] = [
  second('NOT_UTF8', ['parse'], Buffer.from('{"a":"\xe9"}\n', 'latin1'), {
    found: 'the byte 0xe9 at byte 7 of the line is not UTF-8',
    expected: 'UTF-8',
    fix: CONVERT,
  }),
  {
    code: 'NOT_UTF8',
    args: ['parse', '--format', 'json'],
    input: Buffer.from('[{"a":1},{"a":"\xe9"}]', 'latin1'),
    where: 'stdin, record 2 (byte 9), parse',
    found: 'the byte 0xe9, which is not UTF-8, at byte 7 of the record',
    fix: CONVERT,
    stdout: '{"a": 1}\n',
  },
  second('JSON_SYNTAX', ['parse'], '{"a":1,}\n', {
    found: '`}` where a key belongs at byte 8 of the line',
    expected: 'one legal JSON object a line',
    fix: MEND_LINE,
  }),
  second('JSON_SYNTAX', ['parse'], 'no JSON at all', {
    found: '`no` where a value belongs at byte 1 of the line',
    expected: 'one legal JSON object a line',
    fix: MEND_LINE,
  }),
  {
    code: 'JSON_SYNTAX',
    args: ['parse', '--format', 'json', 'in'],
    input: '[{"a":1}',
    where: 'in (byte 8), parse',
    found: 'the end of the document where `,` or the end of the object or array belongs',
    fix: MEND_DOCUMENT,
    stdout: '{"a": 1}\n',
  },
  second('NOT_AN_OBJECT', ['parse'], '[1]\n', {
    found: 'an array',
    expected: 'one legal JSON object a line',
    fix: 'Each line must hold one record, `{…}`. For one big array use `parse: { format: json }`.',
  }),
  second('TOO_DEEP', ['parse'], deep, {
    found: 'nesting deeper than 100,000 levels',
    expected: 'at most 100,000 levels',
    fix: 'Flatten the record, or go on without it with `--on-error skip`.',
  }),
  second('LINE_TOO_LONG', ['parse', '--max-line-bytes', String(byte)], `{"a":"${'x'.repeat(byte)}"}\n`, {
    found: `a line of more than ${byte} bytes`,
    fix: 'Raise `max-line-bytes` of `parse`.',
  }),
  {
    code: 'NO_SUCH_PATH',
    args: ['parse', '--format', 'json', '--path', 'data.rows', 'in'],
    input: '{"data":{}}',
    where: 'in, parse',
    found: 'nothing under `data.rows`: `data` has no `rows`',
    expected: 'an array of records, or one record',
    fix: 'Correct the `path`: keys joined by dots, leading to the array of records.',
  },
  second('MISSING_FIELD', TEMPLATE, lines({ prompt: 'p', respond: 'r' }), {
    found: 'no `response` (did you mean `respond`?); the row has "prompt", "respond"',
    expected: '`prompt`, `response`',
    fix: CHECK,
  }),
  second('WRONG_TYPE', TEMPLATE, lines({ prompt: 3, response: 'r' }), {
    found: '`prompt` is the number 3',
    expected: 'text',
    fix: MEND,
  }),
  second('BAD_SCORE', TEMPLATE, lines({ ...row, helpfulness: 'high' }), {
    found: 'the score of `helpfulness` is "high"',
    expected: 'a finite number',
    fix: MEND,
  }),
  {
    code: 'BAD_TREE',
    args: ['template', '--dataset', 'oasst', 'in'],
    input: lines(
      { message_id: 'a', message_tree_id: 'a', text: 'q', role: 'prompter' },
      { message_id: 'c', parent_id: 'b', message_tree_id: 'a', text: 'a', role: 'assistant' },
    ),
    where: `in:2 (byte ${lines({ message_id: 'a', message_tree_id: 'a', text: 'q', role: 'prompter' }).length}), template`,
    found: 'the parent "b" does not stand before its reply in the tree, in message "c" of tree "a"',
    fix: 'The messages of a tree must stand together, each behind the one that it replies to;',
  },
  expand('WRONG_RECORD', good, {
    found: 'no `conversations`: it has "prompt", "response", "helpfulness", "verbosity"',
    expected: 'a conversation',
    fix: 'Add `template` before this stage, to make conversations of rows.',
  }),
  expand('UNLABELLED_SCORES', scored(row), {
    found: 'turn 2 has `scores` but no `label`',
    expected: 'labels',
    fix: 'Put `label-format` before `regression-expand`.',
  }),
  expand('MISSING_FIELD', lines({ conversations: [{ from: 'User' }], mask: 'User' }), {
    found: 'turn 1 has no `value`',
    expected: 'each turn with `from` and `value`',
    fix: CHECK,
  }),
  expand('BAD_LABEL', conversation.replace('verbosity:0', 'verbosity'), {
    found: 'the label "helpfulness:4,verbosity" has the part "verbosity"',
    expected: '`name:number`, with finite decimal numbers',
    fix: 'Mend the label, or go on without the record with `--on-error skip`.',
  }),
  expand(
    'OUT_OF_RANGE',
    conversation.replace('helpfulness:4', 'helpfulness:5'),
    {
      found: 'the score 5 of `helpfulness`',
      expected: '0 to 4',
      fix: 'Mend the score, widen the attribute, or use `range: clamp` or `range: keep`.',
    },
    ['--range', 'error'],
  ),
  {
    code: 'MAP_FAILED',
    args: ['map', '--module', 'm.mjs', 'in'],
    input: good.repeat(2),
    files: {
      'm.mjs':
        'let n = 0\nexport default (row) => { if (n++ > 0) throw new Error("no such row"); return row }\n',
    },
    where: `in:2 (byte ${byte}), map`,
    found: 'the function threw: no such row',
    fix: 'Mend the function, or go on without the record with `--on-error skip`.',
    stdout: good,
  },
  {
    code: 'MAP_MODULE',
    args: ['map', '--module', 'nowhere.mjs', 'in'],
    exit: 2,
    where: 'map',
    found: 'the module nowhere.mjs does not exist',
    fix: 'Correct the path (in a pipeline file it is from the folder of that file), or the module.',
  },
  {
    code: 'THREAD_LOST',
    args: ['run', 'x.yaml', '--workers', '1'],
    input: good,
    files: {
      'x.yaml': 'name: x\ninputs: in\nstages: [parse, map: ./m.mjs, write: out]\n',
      'm.mjs': 'export default { pure: true, map: () => process.exit() }\n',
    },
    where: '',
    found: 'a thread was ended; a `map` module may have called process.exit()',
    fix: 'Run again with `--workers 0`, which does all on one thread.',
  },
  second('FILTER_FAILED', ['filter', '--where', 'source.prompt != "x"'], lines({ response: 'r' }), {
    found: 'no such key: prompt, in `source.prompt`',
    fix: 'Ask first whether it is there: `has(source.prompt) && …`.',
  }),
  {
    code: 'MEMORY_FULL',
    args: ['dedupe', '--by', 'n', '--memory', '1MB', 'in'],
    input: numbers(50_000),
    where: `in:${HELD + 1} (byte ${numbers(HELD).length}), dedupe`,
    found: `the hashes of ${HELD} different records fill the memory of 1000000 bytes`,
    expected: 'some 18 bytes for each record that differs from those before it',
    fix: 'Raise `memory`.',
    stdout: numbers(HELD),
  },
  {
    code: 'BAD_EXPRESSION',
    args: ['filter', '--where', 'helpfulnes > 1'],
    input: good,
    exit: 2,
    where: 'filter',
    found: 'there is no `helpfulnes` (did you mean `helpfulness`?), at character 1 of `where`',
    expected:
      'quality, toxicity, humor, creativity, helpfulness, correctness, coherence, complexity, verbosity, turns, speakers, system, mask, source, part, chars, scores',
    fix: 'A field of the record that was read is `source.NAME`',
  },
  {
    code: 'GROUP_INCOMPLETE',
    args: ['parse', '--group', '2', 'in'],
    input: good.repeat(3),
    where: `in:3 (byte ${2 * byte}), parse`,
    found: 'the last group has 1 of its 2 records',
    expected: 'a multiple of 2 records',
    fix: 'Look for a record that is missing or too many, or leave `group` out.',
    stdout: good.repeat(2),
  },
  {
    code: 'GZIP_DAMAGED',
    args: ['parse', 'in'],
    input: gzipSync(good.repeat(2)).subarray(0, -8),
    where: `in (byte ${2 * byte}), parse`,
    found: 'the gzip data ends in the middle',
    expected: 'whole gzip data',
    fix: FETCH,
    stdout: good.repeat(2),
  },
  {
    code: 'GZIP_DAMAGED',
    args: ['parse'],
    input: damaged,
    where: 'stdin, parse',
    found: 'the gzip data is damaged: incorrect data check',
    expected: 'whole gzip data',
    fix: FETCH,
  },
]

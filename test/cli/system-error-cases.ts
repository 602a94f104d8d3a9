import type { ErrorCase } from './error-cases.js'

const NO_FILE = 'Correct the path. Relative paths are from the working folder.'
const REASON = 'See the reason that the system gave'
const OPTIONS = (stage: string) => `\`steerpipe ${stage} --help\` shows its options.`
const definition = (text: string) => ({ 'x.yaml': text })
const RUN = ['run', 'x.yaml']

/** What the system refuses. */
export const SYSTEM_ERRORS: readonly ErrorCase[] = [
  {
    code: 'NO_SUCH_INPUT',
    args: ['parse', 'nowhere.jsonl'],
    exit: 2,
    where: 'nowhere.jsonl',
    found: 'the input nowhere.jsonl does not exist',
    fix: NO_FILE,
  },
  {
    code: 'NO_SUCH_INPUT',
    args: ['parse', '*.nothing'],
    exit: 2,
    where: '*.nothing',
    found: 'no file matches the pattern *.nothing',
    fix: NO_FILE,
  },
  {
    code: 'NO_SUCH_INPUT',
    args: ['parse', '.'],
    exit: 2,
    where: '.',
    found: 'the input . is a folder',
    fix: 'Name its files, or a pattern such as `./*.jsonl`.',
  },
  {
    code: 'HUB_ADDRESS',
    args: ['parse', 'hf://datasets/nvidia/HelpSteer2/train.jsonl.gz'],
    exit: 2,
    where: '',
    found: 'hf://datasets/nvidia/HelpSteer2/train.jsonl.gz is an address, and addresses cannot be opened yet',
    fix: 'Download the files, keep their folders, and give the folder: `--set source=FOLDER`.',
  },
  {
    code: 'OUTPUT_CONFLICT',
    args: ['parse', 'in', '-o', '.', '--force'],
    exit: 2,
    where: '., write',
    found: 'the output . is a folder',
    fix: 'Name a file in it',
  },
  {
    code: 'WRITE_FAILED',
    args: ['parse', 'in', '-o', 'in/out.jsonl'],
    input: '{}\n',
    where: 'in/out.jsonl, write',
    found: 'a part of this path is a file',
    expected: 'folders',
    fix: 'Choose another place.',
  },
  {
    code: 'WRITE_FAILED',
    args: ['parse', 'in', '-o', `${'x'.repeat(300)}.jsonl`],
    input: '{}\n',
    where: `${'x'.repeat(300)}.jsonl, write`,
    found: 'writing failed: name too long (ENAMETOOLONG)',
    fix: REASON,
  },
  {
    code: 'OUTPUT_EXISTS',
    args: ['parse', '-o', 'in'],
    input: '{}\n',
    exit: 2,
    where: 'in',
    found: 'this output is there already',
    fix: 'Choose another name, or replace it with `--force`',
  },
  {
    code: 'OUTPUT_CONFLICT',
    args: ['parse', 'in', '-o', './in', '--force'],
    input: '{}\n',
    exit: 2,
    where: './in, write',
    found: 'the output ./in is also an input',
    fix: 'Give each output a name of its own',
  },
]

/** What is wrong with a definition, or with the command line. */
export const DEFINITION_ERRORS: readonly ErrorCase[] = [
  {
    code: 'DEFINITION_SYNTAX',
    args: RUN,
    files: definition(
      'name: x\nvars: { out: o }\ninputs: in\nstages:\n  - parse\n  - write: { to: ${out}/x.jsonl }\n',
    ),
    exit: 2,
    where: 'x.yaml:6:19',
    found: /.*without quotes inside.*/,
    fix: '',
  },
  {
    code: 'DEFINITION_INVALID',
    args: RUN,
    files: definition('name: x\ninputs: in\nstage: []\nstages: [parse, write: out]\n'),
    exit: 2,
    where: 'x.yaml:3:1',
    found: 'unknown key `stage` (did you mean `stages`?)',
    expected: 'name, description, vars, attributes, inputs, stages, overwrite',
    fix: 'Mend this line of the definition.',
  },
  {
    code: 'UNKNOWN_STAGE',
    args: RUN,
    files: definition('name: x\ninputs: in\nstages:\n  - parse\n  - regresion-expand\n  - write: out\n'),
    exit: 2,
    where: 'x.yaml:5:5',
    found: 'there is no stage `regresion-expand` (did you mean `regression-expand`?)',
    expected:
      'parse, template, annotate, label-format, regression-expand, filter, dedupe, length, shuffle, split, repeat, limit, skip, sample, map, write',
    fix: '`steerpipe list` shows the stages.',
  },
  {
    code: 'UNKNOWN_NAME',
    args: RUN,
    files: definition('name: x\nvars: { out: o }\ninputs: in\nstages: [parse, write: "${uot}/x"]\n'),
    exit: 2,
    where: 'x.yaml:4:24',
    found: '`${uot}` is not known (did you mean `out`?)',
    fix: 'Add it to `vars`, or write `${name:-default}`.',
  },
  {
    code: 'VAR_UNSET',
    args: RUN,
    files: definition('name: x\nvars:\n  in: null\ninputs: ${in}\nstages: [parse, write: out]\n'),
    exit: 2,
    where: 'x.yaml:3:3',
    found: 'the var `in` has no value',
    fix: 'Give it one: `--set in=…`.',
  },
  {
    code: 'WIRE_MISFIT',
    args: RUN,
    files: definition(
      'name: x\ninputs: in\nstages:\n  - parse\n  - template: helpsteer2\n  - regression-expand\n  - write: out\n',
    ),
    exit: 2,
    where: 'x.yaml:6:5, regression-expand',
    found: '`regression-expand` cannot take conversations with scores',
    expected: 'records as they were read or conversations with labels',
    fix: 'Put `label-format` before it.',
  },
  {
    code: 'BAD_OPTION',
    args: ['template', '--dataset', 'helpstee', 'in'],
    exit: 2,
    where: '',
    found: '`template`: `dataset` is "helpstee" (did you mean `helpsteer`?)',
    expected: 'helpsteer, helpsteer2, helpsteer2-preference, oasst, conversations',
    fix: OPTIONS('template'),
  },
  {
    code: 'BAD_OPTION',
    args: RUN,
    files: definition('name: x\ninputs: in\nstages:\n  - parse: { group: two }\n  - write: out\n'),
    exit: 2,
    where: 'x.yaml:4:21',
    found: '`parse`: `group` is "two"',
    expected: 'a number',
    fix: OPTIONS('parse'),
  },
  {
    code: 'USAGE',
    args: ['temlate'],
    exit: 2,
    where: '',
    found: 'there is no command `temlate` (did you mean `template`?)',
    expected:
      'run, lint, explain, preview, list, schema, parse, template, annotate, label-format, regression-expand, filter, dedupe, length, shuffle, split, repeat, limit, skip, sample, map, write',
    fix: '`steerpipe --help` shows the commands',
  },
]

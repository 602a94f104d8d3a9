import { shellWord } from '../../shell-word.js'
import { header, type Separator } from './separated.js'
import { cut } from './shown.js'

/** A format that `parse` does not read, with what to do about it. */
export interface OtherFormat {
  /** In a word, for programs. */
  readonly format: string
  /** What a person calls it. */
  readonly title: string
  /** What to do: sentences. */
  readonly advice: string
  /** Commands that do it. */
  readonly commands: readonly string[]
}

/** A format that is known by bytes at a place. In its commands FILE is the input. */
interface Magic extends OtherFormat {
  readonly bytes: Buffer
  /** Default 0. */
  readonly at?: number
}

const text = (given: string): Buffer => Buffer.from(given, 'latin1')

const compressed = (name: string, magic: string): Magic => ({
  bytes: text(magic),
  format: name,
  title: `compressed with ${name}`,
  advice: 'Unpack it; filters read stdin too.',
  commands: [`${name} -dc FILE | steerpipe inspect -`],
})

const archive = (name: string, magic: string, at: number, list: string, extract: string): Magic => ({
  bytes: text(magic),
  at,
  format: name,
  title: `a ${name} archive`,
  advice: 'See what is in it, and take the files out, or read one of them as a stream.',
  commands: [list, `${extract} | steerpipe inspect -`],
})

const arrow = (title: string, magic: string): Magic => ({
  bytes: text(magic),
  format: 'arrow',
  title,
  advice: 'Make JSON Lines of it with the library that wrote it, such as Python’s `datasets`.',
  commands: [
    `python3 -c 'import datasets, sys; datasets.Dataset.from_file(sys.argv[1]).to_json("rows.jsonl")' FILE`,
  ],
})

const MAGIC: readonly Magic[] = [
  {
    bytes: text('PAR1'),
    format: 'parquet',
    title: 'Parquet',
    advice: 'Take the data set’s JSON Lines files, if it has any; or make JSON Lines of this one.',
    commands: [
      `python3 -c 'import pandas, sys; pandas.read_parquet(sys.argv[1]).to_json("rows.jsonl", orient="records", lines=True)' FILE`,
    ],
  },
  arrow('an Arrow file', 'ARROW1'),
  arrow('an Arrow stream', '\xff\xff\xff\xff'),
  {
    bytes: text('\x1f\x8b'),
    format: 'gzip',
    title: 'gzip inside of gzip',
    advice: 'It was compressed twice: unpack it once.',
    commands: ['gzip -dc FILE | steerpipe inspect -'],
  },
  compressed('zstd', '\x28\xb5\x2f\xfd'),
  compressed('xz', '\xfd7zXZ\0'),
  compressed('bzip2', 'BZh'),
  compressed('lz4', '\x04\x22\x4d\x18'),
  archive('zip', 'PK\x03\x04', 0, 'unzip -l FILE', 'unzip -p FILE NAME'),
  archive('tar', 'ustar', 257, 'tar -tf FILE', 'tar -xOf FILE NAME'),
  {
    bytes: text('SQLite format 3\0'),
    format: 'sqlite',
    title: 'an SQLite database',
    advice: 'Write the rows of a table as JSON Lines.',
    commands: [`sqlite3 FILE "select json_object('prompt', prompt, 'response', response) from TABLE"`],
  },
  {
    bytes: text('%PDF-'),
    format: 'pdf',
    title: 'a PDF document',
    advice: 'It holds pages, not records.',
    commands: [],
  },
]

/** Bytes that are looked at to tell text from anything else. */
const HEAD_BYTES = 8192

/** What an input is if it holds no text, by its first bytes. @param path for the advice */
export function binaryFormat(bytes: Buffer, path: string): OtherFormat | undefined {
  const magic = MAGIC.find(({ bytes: wanted, at = 0 }) =>
    bytes.subarray(at, at + wanted.length).equals(wanted),
  )
  const found = magic ?? wideText(bytes)
  if (found === undefined) return undefined
  const { format, title, advice, commands } = found
  const file = path === '-' ? 'FILE' : shellWord(path)
  return { format, title, advice, commands: commands.map((command) => command.replace('FILE', () => file)) }
}

/** The marks that text in other encodings begins with. The longer ones come first. */
const MARKS = [
  { name: 'UTF-32', mark: text('\xff\xfe\0\0') },
  { name: 'UTF-32', mark: text('\0\0\xfe\xff') },
  { name: 'UTF-16', mark: text('\xff\xfe') },
  { name: 'UTF-16', mark: text('\xfe\xff') },
]

/** UTF-16 and UTF-32, by the byte order mark, or by the zeros between the letters of ASCII. */
function wideText(bytes: Buffer): OtherFormat | undefined {
  const marked = MARKS.find(({ mark }) => bytes.subarray(0, mark.length).equals(mark))?.name
  if (marked === undefined && !hasZeros(bytes.subarray(0, HEAD_BYTES))) return undefined
  const name = marked ?? 'UTF-16'
  return {
    format: name.toLowerCase(),
    title: `text in ${name}`,
    advice: 'Convert it to UTF-8.',
    commands: [`iconv -f ${marked ?? 'UTF-16LE'} -t utf-8 FILE | steerpipe inspect -`],
  }
}

/** Whether every second byte is zero, and hardly any of the others. */
function hasZeros(head: Buffer): boolean {
  const pairs = head.length >> 1
  if (pairs < 2) return false
  let zeros = 0
  let others = 0
  for (let at = 0; at < pairs * 2; at += 2) {
    if (head[at + 1] === 0) zeros++
    if (head[at] === 0) others++
  }
  return zeros > 0.4 * pairs && others < 0.05 * pairs
}

/** What an input is if its text is not data, but stands in the place of data. */
export function strayFormat(bytes: Buffer): OtherFormat | undefined {
  const head = bytes.toString('latin1', 0, HEAD_BYTES).replace(/^\xef\xbb\xbf/, '')
  if (/^\s*$/.test(head) && bytes.length <= HEAD_BYTES) {
    const title = bytes.length === 0 ? 'empty' : 'empty, but for white space'
    return {
      format: 'empty',
      title,
      advice: 'It holds no records. If it should, whatever wrote or fetched it has failed: do that again.',
      commands: [],
    }
  }
  if (head.startsWith('version https://git-lfs.github.com/spec/')) {
    const size = /^size (\d+)$/m.exec(head)?.[1]
    const file = size === undefined ? 'the file' : `a file of ${Number(size).toLocaleString('en')} bytes`
    return {
      format: 'git-lfs-pointer',
      title: `a pointer of Git LFS in the place of ${file}`,
      advice:
        'Fetch the file: `git lfs pull` in the clone; or give the address of the data set, `hf://datasets/OWNER/NAME/FILE`.',
      commands: [],
    }
  }
  if (/^\s*<(?:!doctype html|html|head|body)\b/i.test(head)) {
    return {
      format: 'html',
      title: 'a web page',
      advice:
        'A page was fetched that shows the file. On the hub put `/resolve/` in the place of `/blob/`, or give `hf://datasets/OWNER/NAME/FILE`; a page to log in on says that a token is needed.',
      commands: [],
    }
  }
  if (/^\s*<\?xml\b/i.test(head)) {
    return {
      format: 'xml',
      title: 'XML',
      advice:
        'If this is what a server answered instead of the file, it says why; else make JSON Lines of it.',
      commands: [],
    }
  }
  return undefined
}

/** What text is that is neither JSON nor lines to be taken as they are. */
export function textFormat(bytes: Buffer, path: string): OtherFormat | undefined {
  const head = bytes.subarray(0, HEAD_BYTES)
  if (head.includes(0)) {
    return {
      format: 'binary',
      title: 'not text: it has zero bytes in it',
      advice: 'Look what wrote it (`file` may know what it is), and have it write JSON Lines.',
      commands: [],
    }
  }
  const columns = header(bytes, path)
  if (columns === undefined) return undefined
  const { separator, names } = columns
  const { format, reader } = TABLES[separator]
  const from = path === '-' ? '' : ` < ${shellWord(path)}`
  return {
    format,
    title: `${format.toUpperCase()} with ${names.length} columns: ${cut(names.join(', '), 200)}`,
    advice: 'Make JSON Lines of it. Scores may stay text: text that spells a number is a score.',
    commands: [
      `python3 -c 'import csv, json, sys; [print(json.dumps(row)) for row in csv.DictReader(${reader})]'${from} > rows.jsonl`,
    ],
  }
}

/** What tables are called, and how Python reads them, by what separates their cells. */
const TABLES: Readonly<Record<Separator, { format: string; reader: string }>> = {
  ',': { format: 'csv', reader: 'sys.stdin' },
  ';': { format: 'csv', reader: 'sys.stdin, delimiter=";"' },
  '\t': { format: 'tsv', reader: 'sys.stdin, dialect="excel-tab"' },
}

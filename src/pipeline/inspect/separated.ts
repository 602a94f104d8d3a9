/** What cells may be separated by. */
export type Separator = ',' | ';' | '\t'

/** The first row of a table in text: the names of its columns. */
export interface Header {
  readonly separator: Separator
  readonly names: readonly string[]
}

const SEPARATORS: readonly Separator[] = ['\t', ',', ';']

/** Rows that must have as many cells as the first. */
const ROWS = 20

/** Bytes that are looked at. */
const HEAD_BYTES = 256 * 1024

/** A longer name is none of a column, but a sentence. */
const LONGEST_NAME = 64

/**
 * The header of CSV or TSV; undefined if the text is none.
 *
 * @param path whose ending may say that it is
 */
export function header(bytes: Buffer, path: string): Header | undefined {
  const head = bytes.toString('utf8', 0, HEAD_BYTES).replace(/^\ufeff/, '')
  const isNamedSo = /\.[ct]sv(?:\.gz)?$/i.test(path)
  const isCut = bytes.length > HEAD_BYTES
  for (const separator of SEPARATORS) {
    const rows = rowsOf(head, separator, isCut)
    const [names, ...others] = rows
    if (names === undefined || names.length < 2 || !rows.every((row) => row.length === names.length)) continue
    if (isNamedSo || (others.length > 0 && areNames(names))) return { separator, names }
  }
  return undefined
}

const areNames = (cells: readonly string[]): boolean =>
  new Set(cells).size === cells.length &&
  cells.every((cell) => cell !== '' && cell === cell.trim() && cell.length <= LONGEST_NAME)

/** The cells of the first rows. A cell in quotes may hold separators and line ends, and two quotes for one. */
function rowsOf(text: string, separator: string, isCut: boolean): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length && rows.length < ROWS) {
    let cell = ''
    if (text[at] === '"') {
      const quoted = /"([^"]*(?:""[^"]*)*)"?/y
      quoted.lastIndex = at
      cell = quoted.exec(text)?.[1].replaceAll('""', '"') ?? ''
      at = quoted.lastIndex
    }
    const end = cellEnd(text, at, separator)
    row.push(cell + text.slice(at, end).replace(/\r$/, ''))
    at = end + 1
    if (text[end] === separator) continue
    const isBlank = row.length === 1 && row[0] === ''
    const isWhole = end < text.length || !isCut
    if (!isBlank && isWhole) rows.push(row)
    row = []
  }
  return rows
}

function cellEnd(text: string, start: number, separator: string): number {
  for (let at = start; at < text.length; at++) if (text[at] === separator || text[at] === '\n') return at
  return text.length
}

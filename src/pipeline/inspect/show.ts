import { type SteerpipeError, showPlace } from '../../errors.js'
import type { RemoteFile } from '../../storage/remote/index.js'
import type { Inspection } from './inspect.js'
import type { SchemaFit } from './schemas.js'
import { showFields } from './show-fields.js'
import { showRecord } from './show-record.js'
import { counted, printable, WIDTH } from './shown.js'

/** Errors that are shown. */
const MOST_ERRORS = 3

/** What is known of an input, for a person. */
export function showInspection(inspection: Inspection): string {
  const { input, records, fields, errors, failure, next } = inspection
  const sections = [
    [input === '-' ? 'stdin' : input, ...indent(showHead(inspection))],
    section('first records', records.flatMap(showRecord)),
    section('fields', showFields(fields, inspection.fieldsCut)),
    section(`could not be read: ${errors.length}`, errors.slice(0, MOST_ERRORS).map(showFinding)),
    section('the rest could not be read', failure ? [showFinding(failure), `do: ${failure.fix}`] : []),
    section('schema', showSchemas(inspection)),
    section('next', [...next.advice.flatMap((each) => wrap(each, WIDTH - 2)), ...next.commands]),
  ]
  const shown = sections.filter((lines) => lines.length > 0)
  return `${shown.map((lines) => lines.map(printable).join('\n')).join('\n\n')}\n`
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [title, ...indent(lines)]

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)

function showHead(inspection: Inspection): string[] {
  const { input, title, compression, bytes, remote, parse, lookedAt, errors } = inspection
  const { records, isAll } = lookedAt
  const isMisnamed = compression === 'none' && input.endsWith('.gz')
  const amount = records === 0 ? 'no record' : `${isAll ? 'all' : 'the first'} ${counted(records, 'record')}`
  const looked = isAll && records === 1 ? 'the only record' : amount
  const path = parse?.path === undefined ? '' : `, path: ${yamlText(parse.path)}`
  const rows: [string, string | undefined][] = [
    ['format', title],
    ['compression', isMisnamed ? 'none, whatever its name says' : compression],
    ['size', bytes === undefined ? undefined : inBytes(bytes)],
    ['address', remote && remote.path !== input ? remote.path : undefined],
    ['download', remote && downloadOf(remote)],
    ['looked at', parse && (errors.length > 0 ? `${looked} that could be read` : looked)],
    [
      'to read it',
      parse && parse.format !== 'jsonl' ? `parse: { format: ${parse.format}${path} }` : undefined,
    ],
  ]
  return rows.flatMap(([name, value]) => (value === undefined ? [] : lined(name.padEnd(12), value)))
}

/** How a file is downloaded. */
function downloadOf({ isCached, resumes }: RemoteFile): string {
  if (isCached) return 'done: it is in the cache'
  const how = {
    cache: 'kept in the cache; what breaks off is gone on with, also by another run',
    range: 'not kept; what breaks off is gone on with where it was',
    again: 'not kept; what breaks off is read again from the beginning',
  }
  return how[resumes]
}

/** A text as it may stand inside of `{ }` in YAML. */
const yamlText = (text: string): string =>
  /^(?!(?:true|false|null)$)[a-z][\w.]*$/i.test(text) ? text : JSON.stringify(text)

/** A name with a text beside it, on as many lines as that takes. */
function lined(name: string, value: string): string[] {
  const [first, ...more] = wrap(value, WIDTH - name.length - 3)
  return [`${name} ${first}`, ...more.map((line) => `${' '.repeat(name.length)} ${line}`)]
}

/** A text in lines of at most so many characters, if its words allow it. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Bytes with a unit, and in full where that says more. */
function inBytes(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte')
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length)
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]} (${counted(bytes, 'byte')})`
}

function showSchemas({ schemas, best, lookedAt: { records } }: Inspection): string[] {
  if (schemas.length === 0) return []
  if (best === undefined) {
    const width = Math.max(...schemas.map(({ name }) => name.length))
    return [
      'none that is known fits',
      ...schemas.flatMap(({ name, error }) => lined(name.padEnd(width), error?.found ?? '')),
    ]
  }
  const alike = schemas
    .filter((fit) => fit !== best && fit.fits === best.fits)
    .map(({ name }) => `\`${name}\``)
  return [
    ...showBest(best, records),
    ...(alike.length > 0 ? [`they fit ${alike.join(' and ')} as well`] : []),
  ]
}

function showBest({ name, title, fits, error, notes }: SchemaFit, records: number): string[] {
  const share =
    fits === records
      ? records === 1
        ? 'the record fits'
        : `all ${counted(records, 'record')} fit`
      : `${fits.toLocaleString('en')} of ${counted(records, 'record')} fit`
  return [
    ...wrap(`${name}: ${title}`, WIDTH - 2),
    share,
    ...notes.map(([what, count]) => `note: ${what}: ${count.toLocaleString('en')}`),
    ...(error === undefined ? [] : [`the first that does not: ${showFinding(error)}`]),
  ]
}

function showFinding({ place, found, code }: SteerpipeError): string {
  return `${place === undefined ? '' : `${showPlace(place)}: `}${found} [${code}]`
}

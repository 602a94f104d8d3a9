import { Readable } from 'node:stream'
import * as z from 'zod'
import { DATA_SET_NAMES, DATA_SETS, type DataSetName } from '../../datasets/index.js'
import { SteerpipeError } from '../../errors.js'
import { Batch, toObject } from '../../records/batch.js'
import type { JsonRecord } from '../../records/record.js'
import { labelFormat, regressionExpand, template } from '../../stages/factories.js'
import type { StageSettings } from '../../stages/policy.js'
import type { Stage } from '../../stages/stage.js'
import { deadLetterSchema } from '../dead-letter.js'
import { type ConversationForm, formOf } from './conversations.js'
import { type GuessedMapping, guessMapping } from './mapping.js'

/** A schema that records may have, and what uses such records. */
export type SchemaName = DataSetName | ConversationForm | 'samples' | 'dead-letters' | 'mapping'

/** How well records fit. */
interface Fit {
  /** How many of the records fit. */
  readonly fits: number
  /** Why the first one that does not fit does not. */
  readonly error: SteerpipeError | undefined
  /** What is to be told of those that fit, with how often it is so. */
  readonly notes: readonly (readonly [what: string, count: number])[]
}

/** How well records fit a schema that is known. */
interface KnownFit extends Fit {
  readonly name: Exclude<SchemaName, 'mapping'>
  /** What its records are. */
  readonly title: string
}

/** How well records fit as flat rows with other names. */
interface MappingFit extends Fit {
  readonly name: 'mapping'
  readonly title: string
  readonly mapping: GuessedMapping
}

/** How well records fit a schema. */
export type SchemaFit = KnownFit | MappingFit

/** What the forms of conversations are. */
const FORMS: Readonly<Record<ConversationForm, string>> = {
  'labelled-conversations': 'conversations with labels',
  'scored-conversations': 'conversations with scores that are no labels yet',
  'plain-conversations': 'conversations without labels',
}

/** The data sets that ask for most come first: of those that fit alike the first is the best. */
const DATA_SET_ORDER: readonly DataSetName[] = ['helpsteer2-preference', 'oasst', 'helpsteer2', 'helpsteer']

/**
 * How well records fit the schemas that are known: what the stages themselves make of them. The best comes first.
 *
 * @param path what the input is called: of schemas that fit alike the one that it names is taken
 */
export async function schemaFits(
  records: readonly JsonRecord[],
  path: string,
): Promise<readonly SchemaFit[]> {
  if (records.length === 0) return []
  const others = DATA_SET_NAMES.filter((name) => name !== 'conversations' && !DATA_SET_ORDER.includes(name))
  const fits: SchemaFit[] = [await conversationsFit(records), samplesFit(records), deadLettersFit(records)]
  for (const name of [...DATA_SET_ORDER, ...others]) fits.push(await dataSetFit(name, records))
  if (fits.every((fit) => fit.fits === 0)) fits.push(...(await mappingFit(records)))
  const isNamed = ({ name }: SchemaFit) => named(path) === name
  // The sort is stable.
  return fits.sort((a, b) => b.fits - a.fits || Number(isNamed(b)) - Number(isNamed(a)))
}

/** The data set whose name stands in a path. The longest is meant: `HelpSteer2` is not HelpSteer. */
function named(path: string): DataSetName | undefined {
  const found = DATA_SET_NAMES.filter((name) => path.toLowerCase().includes(name))
  return found.sort((a, b) => b.length - a.length)[0]
}

async function dataSetFit(dataset: DataSetName, records: readonly JsonRecord[]): Promise<KnownFit> {
  const made = await through(records, (settings) => template({ dataset }, settings))
  return { name: dataset, title: DATA_SETS[dataset].summary, ...made }
}

async function mappingFit(records: readonly JsonRecord[]): Promise<MappingFit[]> {
  const mapping = guessMapping(records)
  if (mapping === undefined) return []
  const { prompt, response } = mapping
  const made = await through(records, (settings) => template({ mapping: { prompt, response } }, settings))
  const title = `flat rows with a prompt (\`${prompt}\`) and a response (\`${response}\`)`
  return [{ name: 'mapping', title, mapping, ...made }]
}

/** Conversations: what the stage makes of them that they are ready for. */
async function conversationsFit(records: readonly JsonRecord[]): Promise<KnownFit> {
  const conversations = await dataSetFit('conversations', records)
  const name = formOf(records)
  const title = FORMS[name]
  if (conversations.fits === 0 || name === 'plain-conversations') return { ...conversations, name, title }
  const made = await through(records, (settings) =>
    name === 'labelled-conversations' ? regressionExpand({}, settings) : labelFormat({}, settings),
  )
  return { name, title, ...made }
}

const sampleSchema = z.object({ text: z.string(), label: z.array(z.number()).min(1) })

const samplesFit = (records: readonly JsonRecord[]): KnownFit =>
  zodFit('samples', 'regression samples: `text`, and `label`, a list of numbers', sampleSchema, records)

const deadLettersFit = (records: readonly JsonRecord[]): KnownFit =>
  zodFit('dead-letters', 'records that a run has set aside', deadLetterSchema, records)

function zodFit(
  name: KnownFit['name'],
  title: string,
  schema: z.ZodType,
  records: readonly JsonRecord[],
): KnownFit {
  let fits = 0
  let error: SteerpipeError | undefined
  for (const record of records) {
    const result = schema.safeParse(toObject(record), { reportInput: true })
    if (result.success) fits++
    else error ??= misfit(result.error.issues[0], record)
  }
  return { name, title, fits, error, notes: [] }
}

function misfit({ path, message, input }: z.core.$ZodIssue, record: JsonRecord): SteerpipeError {
  const field = path.map(String).join('.')
  const said = message.replace(/^Invalid input: /, '')
  const found = path.length === 0 ? said : input === undefined ? `no \`${field}\`` : `\`${field}\`: ${said}`
  return new SteerpipeError('WRONG_RECORD', { found, place: record.place })
}

/** What a stage makes of records. */
async function through(
  records: readonly JsonRecord[],
  open: (settings: StageSettings) => Stage,
): Promise<Fit> {
  let error: SteerpipeError | undefined
  const stage = open({
    onError: 'skip',
    onLeftOut: (each) => {
      error ??= each
    },
  })
  // What it makes is let go.
  Readable.from([new Batch(records)])
    .pipe(stage)
    .resume()
  await new Promise((resolve, reject) => stage.on('end', resolve).on('error', reject))
  const leftOut = [...stage.counters.leftOut.values()].reduce((sum, count) => sum + count, 0)
  return { fits: records.length - leftOut, error, notes: [...stage.counters.notes] }
}

import { inspect, isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { type Place, SteerpipeError } from '../errors.js'
import type { AnyRecord, Batch } from '../records/batch.js'
import { parseJson } from '../records/parse-json.js'
import type { JsonRecord, Origin } from '../records/record.js'
import { Tape } from '../records/tape.js'
import { MadeUnits } from './made-units.js'
import type { AnyMapDefinition } from './map-definition.js'
import { checkModule, loadModule } from './map-module.js'
import { recordOfText, textOf } from './plain-objects.js'
import type { StageSettings } from './policy.js'
import { ALL_WIRES, type StageSpec, stageSpec } from './spec.js'
import { Stage } from './stage.js'
import { GappedBatch } from './units.js'

const options = z.strictObject({
  module: z
    .string()
    .min(1)
    .describe(
      'The module whose default export is the function, or what `defineStage` gives. In a pipeline file the path is from the folder of that file; as a flag, and with `--set`, from the working folder. What a pipeline file names must lie in the file’s folder or below it, links followed, or in a folder that `--allow` names.',
    ),
})

/** Records through a function of the user's. */
export const mapSpec = mapWithin(undefined)

/** @param folders where the module must lie; undefined: anywhere */
function mapWithin(folders: readonly string[] | undefined): StageSpec<typeof options> {
  return stageSpec({
    name: 'map',
    summary: 'records through a function of your own',
    description:
      'The function is called with each record as a plain JavaScript object, in order and on the main thread (if it is `pure`, on any, in any order), and returns an object, a list of objects, or null for none; or a promise of these. The object that it was given, returned as it was, is the record untouched, to the last byte. Anything else becomes a new record in the canonical spelling, without what `JSON.parse` loses: the digits of integers above 2^53, `3.0` (it becomes `3`), repeated keys. What is returned stays in the part of its record, and of a group (a preference pair) in the group; if there is none for one record of a group, the whole group is dropped. What the function throws is the error of its record. A module may be TypeScript where Node itself runs it.',
    options,
    main: 'module',
    accepts: ALL_WIRES,
    emits: () => 'json',
    memory: () => 'constant',
    keepsOrder: true,
    alone: async ({ module }) => (await loadModule(module, folders)).pure === true,
    examples: [{ title: 'A module beside the pipeline file', yaml: 'map: ./my-stage.mjs' }],
    paths: ['module'],
    within: mapWithin,
    check: ({ module }) => checkModule(module, folders),
    create: ({ module }, context) => new MapStage(() => loadModule(module, folders), context),
  })
}

/** A stage that hands records to a function as plain objects, and takes plain objects back. */
export class MapStage extends Stage {
  private definition: AnyMapDefinition | undefined

  /** @param open called once, when the first records come */
  constructor(
    private readonly open: () => AnyMapDefinition | Promise<AnyMapDefinition>,
    settings: StageSettings,
  ) {
    super('map', settings)
  }

  protected override saved(): unknown {
    // What a function may keep from one record to the next cannot be brought back.
    return this.definition?.pure === true ? null : undefined
  }

  /** Where others do the work, nobody has opened the module yet. */
  protected override async beforeMark(): Promise<void> {
    this.definition ??= await this.open()
  }

  protected override async *handle(batch: Batch): AsyncGenerator<Batch> {
    this.definition ??= await this.open()
    const { records, unitEnds } = batch
    const gaps = batch instanceof GappedBatch ? batch.gaps : []
    const binds = unitEnds !== null
    let made = new MadeUnits<JsonRecord>(binds)
    // One for all records of a batch: a tape is large beside a record.
    let tape = new Tape()
    let ended: SteerpipeError | undefined
    let start = 0
    let gap = 0
    for (let unit = 0; start < records.length && !ended; unit++) {
      const end = binds ? unitEnds[unit] : start + 1
      for (; gaps[gap] <= start; gap++) made.leaveGap()
      const results = await this.mapUnit(records.slice(start, end), this.definition, tape)
      // The function may have taken long: nobody may want the rest any more.
      if (this.destroyed) return
      this.counters.in += end - start
      if (results instanceof SteerpipeError) {
        ended = this.policy.take(results, records.slice(start, end))
        made.leaveGap()
      } else if (results === null) {
        this.counters.drop(this.definition.name ?? 'map', end - start)
        made.leaveGap()
      } else {
        made.add(results)
        this.counters.out += results.length
      }
      start = end
      if (made.full) {
        yield made.batch()
        made = new MadeUnits(binds)
        tape = new Tape()
      }
    }
    for (; gap < gaps.length; gap++) made.leaveGap()
    const last = made.batch()
    last.error = ended ?? batch.error
    yield last
  }

  /** What is made of a unit; null if there is none for one of its records. */
  private async mapUnit(
    unit: readonly AnyRecord[],
    definition: AnyMapDefinition,
    tape: Tape,
  ): Promise<JsonRecord[] | null | SteerpipeError> {
    const made: JsonRecord[] = []
    let isWhole = true
    for (const record of unit) {
      try {
        const results = await this.mapRecord(record, definition, tape)
        isWhole &&= results.length > 0
        for (const result of results) made.push(result)
      } catch (error) {
        if (!(error instanceof SteerpipeError)) throw error
        return error.at(record.source.place, this.stageName)
      }
    }
    return isWhole ? made : null
  }

  /** @throws SteerpipeError MAP_FAILED, or what the function throws if it is one of ours */
  private async mapRecord(record: AnyRecord, { map }: AnyMapDefinition, tape: Tape): Promise<JsonRecord[]> {
    const json = record.json()
    const text = Buffer.from(json, 'latin1').toString('utf8')
    const given = parseJson(text)
    const { part } = record
    const { place } = record.source
    let returned: unknown
    try {
      // What the records are is for the module to know.
      returned = await map(given as never, { part, place, note: (what) => this.counters.note(what) })
    } catch (error) {
      throw error instanceof SteerpipeError ? error : threw(error)
    }
    if (returned === null || returned === undefined) return []
    const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned]
    const origin = originOf(place)
    return list.map((value) => {
      const isUntouched = value === given && isUnchanged(value, text)
      if (isUntouched && record.kind === 'json') return record
      const result = recordOfText(isUntouched ? json : resultText(value), origin, tape)
      result.part = part
      result.original = record.source.original ?? record.source
      return result
    })
  }
}

/** Where what is made of a record is said to come from: the record's own place. */
function originOf({ input, line, record = 0, offset }: Place): Origin {
  return line === undefined
    ? { input, first: record, offset, unit: 'record' }
    : { input, first: line, offset, unit: 'line' }
}

function threw(error: unknown): SteerpipeError {
  // Anything may be thrown, also what cannot be made a text.
  const said = error instanceof Error ? `${error.message || error.name}` : inspect(error)
  return new SteerpipeError('MAP_FAILED', {
    found: `the function threw: ${said.split('\n')[0].slice(0, 200)}`,
    cause: error,
  })
}

/** Whether an object is still what JSON.parse makes of a text. */
function isUnchanged(value: unknown, text: string): boolean {
  const before = parseJson(text)
  let json: string
  try {
    json = JSON.stringify(before)
    if (JSON.stringify(value) !== json) return false
  } catch (error) {
    // JSON.stringify does not go as deep as records may be nested. What else cannot be spelled is told when it is to be.
    return error instanceof RangeError && isSame(value, before)
  }
  // NaN, and the Infinity that JSON.parse makes of 1e999, have the spelling of null.
  return !json.includes('null') || isDeepStrictEqual(value, before)
}

/** Whether two values are alike down to the order of their keys, however deep. */
function isSame(one: unknown, other: unknown): boolean {
  const pairs: [unknown, unknown][] = [[one, other]]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair
    if (Object.is(a, b)) continue
    if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false
    const keys = Object.keys(a)
    const others = Object.keys(b)
    if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) return false
    for (const key of keys) pairs.push([a[key], b[key]])
  }
  return true
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** What the function returned as JSON. @throws SteerpipeError MAP_FAILED for what is no record */
function resultText(value: unknown): string {
  const refuse = (found: string, cause?: unknown) =>
    new SteerpipeError('MAP_FAILED', {
      found,
      expected: 'an object, a list of objects, or null for none',
      cause,
    })
  // JSON would spell these `{}`.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if ('then' in value && typeof value.then === 'function')
      throw refuse('the function returned a promise inside a list')
    if (Symbol.iterator in value || Symbol.asyncIterator in value)
      throw refuse('the function returned an iterator')
  }
  try {
    return textOf(value)
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    if (error.cause instanceof RangeError)
      throw refuse('what the function returned is nested too deeply', error)
    // With a cause, what was found is what JSON.stringify said.
    const said =
      error.cause === undefined ? 'the function returned ' : 'what the function returned is no JSON: '
    throw refuse(said + error.found.replace(/,$/, ''), error)
  }
}

import * as z from 'zod'
import type { Score } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import type { DataSet, RowReader, TemplateSettings } from './dataset.js'
import { directRows } from './flat-direct.js'
import { promptTurns } from './prompt-turns.js'
import { exchange, RowFields, scoreOf } from './row.js'

/** Which fields of a flat row are the prompt, the response and the scores. */
export const mappingOption = z.strictObject({
  prompt: z.string().describe('The field with the prompt.'),
  response: z.string().describe('The field with the response.'),
  scores: z
    .union([z.array(z.string()), z.record(z.string(), z.string())])
    .optional()
    .describe(
      'The fields with the scores: a list of attributes that are fields of the same name, or `{ attribute: field }`. Default: each of `attributes`.',
    ),
  system: z
    .string()
    .optional()
    .describe('A field with the system prompt, for rows that have one of their own.'),
})

/** A mapping for flat rows. */
export type Mapping = z.output<typeof mappingOption>

/** The data set that a mapping describes. */
export const mappedRows = (mapping: Mapping): DataSet => ({
  name: 'mapping',
  summary: 'flat rows',
  takes: ['splitTurns'],
  open: (settings) => flatReader(mapping, settings),
})

/** The attributes that have a field, in their order, each with its field's name. */
function scoreFields(mapping: Mapping, settings: TemplateSettings): [attribute: string, from: string][] {
  const { scores } = mapping
  const fieldOf = (name: string): string | undefined => {
    if (scores === undefined) return name
    if (Array.isArray(scores)) return scores.includes(name) ? name : undefined
    return Object.hasOwn(scores, name) ? scores[name] : undefined
  }
  return settings.attributes.flatMap(({ name }): [string, string][] => {
    const from = fieldOf(name)
    return from === undefined ? [] : [[name, from]]
  })
}

/**
 * Reads rows of one prompt, one response and scores in fields of their own.
 *
 * @param required attributes whose fields every row must have
 */
export function flatReader(
  mapping: Mapping,
  settings: TemplateSettings,
  required: readonly string[] = [],
): RowReader {
  const needs = [mapping.prompt, mapping.response, ...required].map((name) => `\`${name}\``).join(', ')
  const fields = new RowFields()
  const prompt = fields.add(mapping.prompt)
  const response = fields.add(mapping.response)
  const system = mapping.system === undefined ? undefined : fields.add(mapping.system)
  const others = required.map((name) => fields.add(name))
  const scores = scoreFields(mapping, settings)
  const scored = scores.map(([name, from]) => ({
    attribute: { name, key: encode(name) },
    slot: fields.add(from),
  }))
  const read: RowReader = (row, emit) => {
    fields.find(row)
    const said = fields.text(row, prompt, needs)
    const answered = fields.text(row, response, needs)
    for (const slot of others) fields.need(row, slot, needs)
    const scores: Score[] = []
    for (const { attribute, slot } of scored) {
      const node = fields.node(slot)
      if (node >= 0) scores.push(scoreOf(row, node, attribute))
    }
    if (scores.length === 0) settings.note('row without scores')
    const prompted = system === undefined ? settings.system : fields.text(row, system, needs)
    emit(exchange(row, settings, promptTurns(settings, said), answered, scores, prompted))
  }
  return Object.assign(read, {
    direct: directRows({ ...mapping, system: mapping.system, required, scores }, settings),
  })
}

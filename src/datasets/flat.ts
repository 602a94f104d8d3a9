import * as z from 'zod'
import type { Score } from '../records/conversation.js'
import { encode, type JsonText } from '../records/json-text.js'
import type { RowReader, TemplateSettings } from './dataset.js'
import { exchange, missingField, scoreField, textField } from './row.js'

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

/** A field that holds an attribute's score. */
interface ScoreField {
  readonly name: JsonText
  readonly key: JsonText
}

/** The score fields in the order of the attributes. */
function scoreFields(mapping: Mapping, settings: TemplateSettings): ScoreField[] {
  const { scores } = mapping
  const fieldOf = (name: string): string | undefined => {
    if (scores === undefined) return name
    if (Array.isArray(scores)) return scores.includes(name) ? name : undefined
    return Object.hasOwn(scores, name) ? scores[name] : undefined
  }
  return settings.attributes.flatMap(({ name }) => {
    const field = fieldOf(name)
    return field === undefined ? [] : [{ name: encode(name), key: encode(field) }]
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
  const prompt = encode(mapping.prompt)
  const response = encode(mapping.response)
  const system = mapping.system === undefined ? undefined : encode(mapping.system)
  const fields = scoreFields(mapping, settings)
  const requiredKeys = required.map(encode)
  const needs = [mapping.prompt, mapping.response, ...required].map((name) => `\`${name}\``).join(', ')
  return (row, emit) => {
    const said = textField(row, prompt, needs)
    const answered = textField(row, response, needs)
    for (const key of requiredKeys) if (row.member(row.root, key) < 0) throw missingField(row, key, needs)
    const scores: Score[] = []
    for (const { name, key } of fields) {
      const score = scoreField(row, key, name)
      if (score) scores.push(score)
    }
    if (scores.length === 0) settings.note('row without scores')
    const prompted = system === undefined ? settings.system : textField(row, system, needs)
    emit(exchange(row, settings, said, answered, scores, prompted))
  }
}

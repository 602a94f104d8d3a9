import { type Ask, arrayOf, objectOf, WrongServer } from '../protocol.js'
import { getJson } from './get-json.js'

/** The address at which servers in the manner of OpenAI list their models. */
export const MODELS = '/v1/models'

/**
 * Looks whether a server has the model, where it has a list of its models.
 *
 * @throws WrongServer, BadAnswer
 */
export async function requireServed(ask: Ask, model: string): Promise<void> {
  const list = await getJson(ask, MODELS)
  if (list === undefined) return
  const entries = arrayOf(objectOf(list, 'the list of models').data, 'the list of models')
  const names = entries.map((entry) => objectOf(entry, 'a model').id)
  if (names.includes(model)) return
  const shown = names.slice(0, 5).map((name) => `\`${name}\``)
  if (names.length > shown.length) shown.push(`${names.length - shown.length} others`)
  throw new WrongServer(
    `the server has the model${names.length === 1 ? '' : 's'} ${shown.join(', ') || 'none'}`,
    `the model \`${model}\``,
  )
}

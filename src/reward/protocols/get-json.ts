import { type Ask, BadAnswer, jsonOf } from '../protocol.js'

/**
 * The JSON that a server gives at an address; undefined if it has no such address.
 *
 * @throws BadAnswer
 */
export async function getJson(ask: Ask, path: string): Promise<unknown> {
  const response = await ask({ method: 'GET', path })
  if (response.status === 404) return undefined
  if (response.status !== 200) throw new BadAnswer(`GET ${path} was answered with HTTP ${response.status}`)
  return jsonOf(response)
}

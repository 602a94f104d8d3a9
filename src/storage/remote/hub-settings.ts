import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SteerpipeError } from '../../errors.js'

/** What the environment says of the hub, in the words of Python's `huggingface_hub`. */
export interface HubSettings {
  /** Where the hub is, without a slash at its end. */
  readonly endpoint: string
  /** The folder of the cache that is shared with the Python tools. */
  readonly cache: string
  /** The person's token; undefined if there is none. */
  readonly token: string | undefined
  /** Whether the network is to be left alone. */
  readonly isOffline: boolean
}

const PUBLIC_HUB = 'https://huggingface.co'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the environment says: `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_TOKEN_PATH` (or the file
 * `token` in `HF_HOME`), `HF_HUB_OFFLINE`, as
 * https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables describes them.
 *
 * @throws SteerpipeError BAD_ADDRESS for an endpoint that is no address, HUB_DENIED for a token that cannot be one
 */
export function hubSettings(env: Environment = process.env): HubSettings {
  const cache = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(homeOf(env), 'hub')
  return {
    endpoint: hubEndpoint(env),
    cache: expanded(cache),
    token: tokenOf(env),
    isOffline: isSet(env.HF_HUB_OFFLINE),
  }
}

/** Where the hub is, without a slash at its end. @throws SteerpipeError BAD_ADDRESS */
export function hubEndpoint(env: Environment = process.env): string {
  const endpoint = (env.HF_ENDPOINT || PUBLIC_HUB).replace(/\/+$/, '')
  if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return endpoint
  throw new SteerpipeError('BAD_ADDRESS', {
    found: `HF_ENDPOINT is ${endpoint}, which is no address`,
    expected: 'an address such as https://huggingface.co',
  })
}

/** The folder in which the hub's tools keep what is the person's. */
function homeOf(env: Environment): string {
  return expanded(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'))
}

const expanded = (path: string): string => path.replace(/^~(?=\/|$)/, homedir())

const isSet = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '')

function tokenOf(env: Environment): string | undefined {
  const file = expanded(env.HF_TOKEN_PATH || join(homeOf(env), 'token'))
  const named = (env.HF_TOKEN ?? env.HUGGING_FACE_HUB_TOKEN)?.trim()
  const token = named || (isSet(env.HF_HUB_DISABLE_IMPLICIT_TOKEN) ? '' : contentOf(file))
  if (token === '') return undefined
  // What is not printed: a request that it cannot stand in would show it.
  if (!/^hf_[\w.-]+$/.test(token)) {
    throw new SteerpipeError('HUB_DENIED', {
      found: `the token in ${named ? 'HF_TOKEN' : file} is none (it is not shown here)`,
      expected: '`hf_` with letters and digits behind it',
      fix: `Copy it anew from ${PUBLIC_HUB}/settings/tokens, or remove it: public data sets need none.`,
    })
  }
  return token
}

const contentOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')

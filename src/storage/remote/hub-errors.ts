import { SteerpipeError } from '../../errors.js'
import { Refused, saidOf } from './connection.js'
import type { HubSettings } from './hub-settings.js'

/** The error for what the hub, or the way to it, has against a request about a data set. */
export function hubError(error: unknown, repo: string, settings: HubSettings): unknown {
  if (error instanceof SteerpipeError) return error.code === 'UNREACHABLE' ? unreachable(error, repo) : error
  if (error instanceof Refused) return refused(error, repo, settings)
  // What the system has to say, of the disk for example, has a code of its own.
  if (!(error instanceof Error) || 'syscall' in error || error.name === 'AbortError') return error
  return new SteerpipeError('UNREACHABLE', {
    found: `${settings.endpoint} does not answer as a hub does: ${saidOf(error)}`,
    fix: 'Look at HF_ENDPOINT, and at HTTPS_PROXY.',
    cause: error,
  })
}

/** Names the ways without a network. */
function unreachable(error: SteerpipeError, repo: string): SteerpipeError {
  const { found, cause } = error
  return new SteerpipeError('UNREACHABLE', {
    found,
    fix: `Look at the network, HTTPS_PROXY and HF_ENDPOINT. Without a network: download it once elsewhere (\`hf download ${repo} --repo-type dataset --local-dir FOLDER\`), and give the folder: \`--set source=FOLDER\`; what is in the cache is read with HF_HUB_OFFLINE=1.`,
    cause,
  })
}

function refused(refusal: Refused, repo: string, { endpoint, token }: HubSettings): SteerpipeError {
  const { status, reason, said } = refusal
  const page = `${endpoint}/datasets/${repo}`
  const tells = said === undefined ? '' : ` (${said})`
  const setToken = `make a token at ${endpoint}/settings/tokens, and set it: \`HF_TOKEN=hf_…\`, or \`hf auth login\``
  if (reason === 'GatedRepo') {
    const who =
      token === undefined ? 'and no token is set' : 'and the account of the token has not been let in'
    return new SteerpipeError('HUB_DENIED', {
      found: `${repo} is gated, ${who}${tells}`,
      fix: `Accept its terms at ${page}${token === undefined ? `, ${setToken}` : ', with the account of the token'}.`,
      cause: refusal,
    })
  }
  if (status === 401 || status === 403) {
    const found =
      reason === 'RepoNotFound' || token === undefined
        ? `there is no data set ${repo}, or it is private, and ${token === undefined ? 'no token is set' : 'the token may not read it'}`
        : `the hub does not take the token${tells}`
    return new SteerpipeError('HUB_DENIED', {
      found,
      fix: `Look at ${page}; if it is there, ${setToken}.`,
      cause: refusal,
    })
  }
  if (status === 404 || status === 410) {
    const found =
      reason === 'RevisionNotFound'
        ? `${repo} has no such revision${tells}`
        : `there is no data set ${repo}${tells}`
    return new SteerpipeError('NO_SUCH_INPUT', { found, fix: `Look at ${page}.`, cause: refusal })
  }
  return new SteerpipeError('DOWNLOAD_REFUSED', {
    found: `the hub answers ${status} for ${repo}${tells}`,
    fix: `Look at ${page}.`,
    cause: refusal,
  })
}

/** What Triton's paths mean. */
export type Route = { readonly what: 'live' | 'server' | 'server-ready' } | ModelRoute

/** A path below a model. */
export interface ModelRoute {
  readonly what: 'metadata' | 'ready' | 'config' | 'infer'
  /** As it stands in the path: Triton does not decode it. */
  readonly model: string
  readonly version: string
}

const SERVER_ROUTES = new Map<string, Route>([
  ['/v2', { what: 'server' }],
  ['/v2/health/live', { what: 'live' }],
  ['/v2/health/ready', { what: 'server-ready' }],
])

/** The route of a path, which may have a query; undefined if there is none. */
export function routeOf(url: string): Route | undefined {
  const [path] = url.split('?')
  const route = SERVER_ROUTES.get(path)
  if (route) return route
  const match = /^\/v2\/models\/([^/]+)(?:\/versions\/(\d+))?(?:\/(ready|config|infer))?$/.exec(path)
  if (match === null) return undefined
  const [, model, version = '1', what = 'metadata'] = match
  return { what: what as ModelRoute['what'], model, version } // as the pattern has them
}

export const SERVER_METADATA = {
  name: 'triton',
  version: '2.51.0',
  extensions: [
    'classification',
    'sequence',
    'model_repository',
    'model_repository(unload_dependents)',
    'schedule_policy',
    'model_configuration',
    'system_shared_memory',
    'cuda_shared_memory',
    'binary_tensor_data',
    'parameters',
    'statistics',
    'trace',
    'logging',
  ],
}

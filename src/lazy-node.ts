/**
 * Modules of Node's that take 3 to 6 ms each to load, for those who come to need them: what does without them starts a
 * tenth sooner.
 */

let cryptoModule: typeof import('node:crypto') | undefined

/** Asked for with each record, where a call of `getBuiltinModule` takes 0.3 µs. */
export function crypto(): typeof import('node:crypto') {
  cryptoModule ??= process.getBuiltinModule('node:crypto')
  return cryptoModule
}

export const v8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8')
export const workerThreads = (): typeof import('node:worker_threads') =>
  process.getBuiltinModule('node:worker_threads')
export const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib')

/**
 * Modules of Node's that take 3 to 6 ms each to load, for those who come to need them: what does without them starts a
 * tenth sooner.
 */

export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')
export const v8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8')
export const workerThreads = (): typeof import('node:worker_threads') =>
  process.getBuiltinModule('node:worker_threads')
export const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib')

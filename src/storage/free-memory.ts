import type { MessagePort } from 'node:worker_threads'
import { workerThreads } from '../lazy-node.js'

/** Nobody is at its other end. */
let closed: MessagePort | undefined

/**
 * Frees memory at once, and not when the collector comes round to it: that counts it as growth, and goes through all
 * that is alive for each 15 MB of it. Handed over to nobody, it has no owner any more; it costs 10 µs.
 */
export function freeMemory(memory: ArrayBuffer): void {
  if (closed === undefined) {
    closed = new (workerThreads().MessageChannel)().port1
    closed.close()
  }
  closed.postMessage(null, [memory])
}

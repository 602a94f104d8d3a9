import { v8 } from '../../lazy-node.js'

/**
 * How much a function has done before it is compiled for speed, in bytes of code that was run. Node 20's default is
 * 67,584: then each thread has some 140 functions compiled in a run over 1 GB, for a fifth of the processors' time, most
 * of which work on batches, and are called a few thousand times. (In newer versions compiling costs less, and the flag is
 * gone. Without threads, and in pipes, where batches are small and many, the default is better.)
 */
const INTERRUPT_BUDGET = 300_000

/** Has less compiled: where all processors have work, compiling takes from that. */
export function compileLess(): void {
  if (process.versions.node.startsWith('20.'))
    v8().setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`)
}

/**
 * How much the old part of a heap may grow, in percent of what is alive in it, before it is gone through. By default V8
 * lets it become several times as large: what has died in it then adds some 2 MB to a thread for each GB that is read,
 * tens of GB long. What it costs is too little to be measured.
 */
const HEAP_GROWTH_PERCENT = 20

/** Has dead objects collected before they are many, in all heaps. */
export function limitHeapGrowth(): void {
  v8().setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
}

/**
 * Megabytes of a semi-space of a thread. With 4 filter-split-repeat takes 4 % longer; with 16, which is best for the main
 * thread, each takes 14 MB more, and is no faster.
 */
const SEMI_SPACE_MB = 8

/** How large heaps become that are made from now on. (A flag of the process wins over the limits of a `Worker`.) */
export function limitNewHeaps(): void {
  v8().setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MB}`)
}

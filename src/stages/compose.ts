import stream, { type Duplex } from 'node:stream'
import type { Batch } from '../records/batch.js'
import type { Wire } from './spec.js'
import type { GivenBy, RecordOn, Wired } from './typed.js'

// The types of Node 20 leave out `compose`, which Node has had since 16.9.
const { compose: composeStreams } = stream as unknown as { compose(...streams: Duplex[]): Duplex }

/** Several stages as one stream. */
export interface Composed<Out> extends Duplex {
  /** The batches of the last stage, typed. */
  batches(): AsyncIterable<Out extends Wire ? Batch<RecordOn<Out>> : unknown>
}

/**
 * Connects stages into one Duplex stream, as Node's `stream.compose` does, and has the compiler check that each
 * stage takes what the one before it gives. Streams that are not ours may stand anywhere; they are let through
 * unchecked.
 *
 * @example
 * const sft = compose(parse(), template({ dataset: 'helpsteer2' }), labelFormat())
 * for await (const batch of sft.batches()) console.log(batch.records[0].turns.length)
 */
export function compose<const Stages extends readonly NodeJS.ReadWriteStream[]>(
  ...stages: Stages & Wired<Stages>
): Composed<GivenBy<Stages>> {
  const streams: readonly NodeJS.ReadWriteStream[] = stages
  const duplex = composeStreams(...(streams as Duplex[]))
  return Object.assign(duplex, { batches: () => duplex }) as Composed<GivenBy<Stages>>
}

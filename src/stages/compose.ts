import stream, { type Duplex } from 'node:stream'
import type { Batch } from '../records/batch.js'
import { noteComposed } from './downstream.js'
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
 * With Node's own, which reads ahead, good records that stand shortly before a bad one may not arrive; with this
 * one they do.
 *
 * @example
 * const sft = compose(parse(), template({ dataset: 'helpsteer2' }), labelFormat())
 * for await (const batch of sft.batches()) console.log(batch.records[0].turns.length)
 */
export function compose<const Stages extends readonly NodeJS.ReadWriteStream[]>(
  ...stages: Stages & Wired<Stages>
): Composed<GivenBy<Stages>> {
  // What the compiler has checked is of no more use; at run time they are streams, of whatever kind.
  const streams = stages as readonly unknown[] as readonly Duplex[]
  const duplex = composeStreams(...streams)
  noteComposed(duplex, streams[0], streams[streams.length - 1])
  return Object.assign(duplex, { batches: () => duplex }) as Composed<GivenBy<Stages>>
}

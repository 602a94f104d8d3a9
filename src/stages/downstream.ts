import type { Duplex, Readable, Writable } from 'node:stream'

/** A stream as it is seen from the one before it; what another's stream lacks is undefined. */
type Seen = Partial<Readable & Writable> & {
  /** Not public, but in every Node since 0.10: the streams that this one is piped to. */
  readonly _readableState?: { readonly pipes?: unknown }
}

/** Streams that do work after they have called back, such as ours, say so here. */
export const working: unique symbol = Symbol('working')

/** Of streams that `compose` made: the stream that takes what is written into one, by the composed one. */
const heads = new WeakMap<object, Duplex>()
/** The composed stream that reads what the last of its streams gives, by that last one. */
const readers = new WeakMap<object, Duplex>()

/** Notes what a composed stream is made of, which Node does not tell. */
export function noteComposed(composed: Duplex, head: Duplex, tail: Duplex): void {
  if (composed === head) return
  heads.set(composed, head)
  readers.set(tail, composed)
}

/** The streams that a stream is piped to. */
export function pipesOf(stream: object): readonly Writable[] {
  const pipes = (stream as Seen)._readableState?.pipes
  return Array.isArray(pipes) ? pipes : []
}

/**
 * Whether anything that a stream gave is still on its way in the streams behind it, as far as one can see: through
 * pipes and composed streams. What an async generator or a web stream holds cannot be seen.
 */
export function underWay(stream: object): boolean {
  const reader = readers.get(stream)
  // A composed stream may be read later: what it holds is waited for even if nobody reads it yet.
  if (reader && !reader.destroyed && (reader.readableLength > 0 || underWay(reader))) return true
  return pipesOf(stream).some(takesMore)
}

function takesMore(stream: Writable): boolean {
  const { destroyed, errored, writableLength = 0 } = stream as Seen
  if (destroyed || errored) return false
  if (writableLength > 0 || (stream as { readonly [working]?: boolean })[working]) return true
  const head = heads.get(stream)
  return head === undefined ? givesMore(stream) : takesMore(head)
}

function givesMore(stream: object): boolean {
  const { destroyed, errored, readableLength = 0 } = stream as Seen
  if (destroyed || errored) return false
  return (readableLength > 0 && isRead(stream as Seen)) || underWay(stream)
}

/** Whether anybody reads a stream. What arrives in a socket that is only written to would wait for ever. */
function isRead(stream: Seen): boolean {
  return (
    stream.readableFlowing === true || stream.listenerCount?.('readable') !== 0 || pipesOf(stream).length > 0
  )
}

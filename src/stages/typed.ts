import type { Batch } from '../records/batch.js'
import type { Conversation } from '../records/conversation.js'
import type { JsonRecord } from '../records/record.js'
import type { Sample } from '../records/sample.js'
import type { Wire } from './spec.js'
import type { Stage } from './stage.js'

/** The records that flow on a wire. */
export type RecordOn<W extends Wire> = W extends 'sample'
  ? Sample
  : W extends 'json'
    ? JsonRecord
    : Conversation

declare const wires: unique symbol

/** A stage whose types say what it takes and gives. The property exists for the compiler only. */
export interface TypedStage<In extends Wire, Out extends Wire> extends Stage {
  readonly [wires]?: (taken: In) => Out
  /** The batches, typed: `for await (const batch of stage.batches())`. */
  batches(): AsyncIterable<Batch<RecordOn<Out>>>
}

/** A stage that gives what it takes. */
export interface PassingStage extends Stage {
  readonly [wires]?: 'same'
}

/** A stage that ends a row of ours: it gives bytes, or plain objects. */
export interface EndStage extends Stage {
  readonly [wires]?: 'end'
}

/** What a stage takes; `unknown` for streams that are not ours. */
type Takes<S> = S extends { readonly [wires]?: (taken: infer In) => Wire } ? In : unknown

/** What a stage gives, if what comes before it gives `Before`. */
type Gives<S, Before> = S extends { readonly [wires]?: (taken: never) => infer Out }
  ? Out
  : S extends { readonly [wires]?: 'same' }
    ? Before
    : unknown

/** A stage if it takes what comes before it; else a text that says why not, for the compiler to show. */
type Fits<Before, S> = Before extends Wire
  ? Before extends Takes<S>
    ? S
    : `takes ${Takes<S> & string}, but what comes before gives ${Before}`
  : S

/** Each stage, compared with what comes before it. */
export type Wired<Stages extends readonly unknown[], Before = unknown> = Stages extends readonly [
  infer First,
  ...infer Rest,
]
  ? [Fits<Before, First>, ...Wired<Rest, Gives<First, Before>>]
  : []

/** What the last of a row of stages gives. */
export type GivenBy<Stages extends readonly unknown[], Before = unknown> = Stages extends readonly [
  infer First,
  ...infer Rest,
]
  ? GivenBy<Rest, Gives<First, Before>>
  : Before

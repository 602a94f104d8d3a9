import { BadAnswer, type Scores } from '../protocol.js'

/** A label that only says which place its score has: what transformers gives a model that has no names for them. */
const PLACE = /^(?:LABEL_)?(\d+)$/

/**
 * Scores with their labels. Labels that are mere places (`LABEL_0`, `LABEL_1`, … or `0`, `1`, …) are no names: the
 * scores are then put in the order of the places.
 *
 * @throws BadAnswer if two have one label
 */
export function labelled(entries: readonly (readonly [label: string, score: number])[]): Scores {
  const byLabel = new Map(entries)
  if (byLabel.size !== entries.length) throw new BadAnswer('two scores have the same label')
  const names = [...byLabel.keys()]
  const values: number[] = []
  for (const [label, score] of entries) {
    const place = Number(PLACE.exec(label)?.[1])
    if (place < entries.length) values[place] = score
  }
  // As many places as scores, none twice: then none is left out.
  const places = Object.keys(values).length
  return places === entries.length ? { values } : { values: [...byLabel.values()], names }
}

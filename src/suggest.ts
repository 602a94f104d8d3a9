import { closest, distance } from 'fastest-levenshtein'

/** The known name that a misspelt one most likely means; undefined if none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const candidate = closest(name, [...known])
  return distance(name, candidate) <= Math.max(2, name.length / 3) ? candidate : undefined
}

/** ` (did you mean …?)`, or nothing if no known name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  return candidate === undefined ? '' : ` (did you mean \`${candidate}\`?)`
}

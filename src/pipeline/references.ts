/** Names that are filled in later: for each input, and for each part. */
export const LATER: ReadonlySet<string> = new Set(['input', 'part'])

/**
 * A `${` that is meant as it stands: it came from `$${`, or from a value. It is told apart from the references that
 * stay in a text until the run by a character that no path, argument or environment can hold, and no definition may.
 */
const LITERAL = '$\0{'

/** A text in which no `${` is a reference. */
export const literal = (text: string): string => text.replaceAll('${', () => LITERAL)

/** Whether a text still has a reference in it that only a value from outside can fill, or a wrong one. */
export function hasUnset(value: unknown): boolean {
  return typeof value === 'string' && /\$\{(?!input\}|part\})/.test(value)
}

/** As {@link hasUnset}, for a value and all that is in it. */
export function holdsUnset(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(holdsUnset)
  return hasUnset(value)
}

/** A value as the run uses it: with the name of the input for `${input}`. */
export function fillInput<T>(value: T, input: string): T {
  return mapTexts(value, (text) =>
    text.replace(/\$\{input\}|\$\0\{/g, (found) => (found === LITERAL ? '${' : input)),
  )
}

/** A value as a definition spells it. */
export function spelled<T>(value: T): T {
  return mapTexts(value, (text) => text.replaceAll(LITERAL, () => '$${'))
}

/** A value with another text for each text in it. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  // What comes back has the shape of what went in, which the compiler cannot see.
  if (typeof value === 'string') return change(value) as T
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, change)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)])) as T
}

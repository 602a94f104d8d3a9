/**
 * Where a character of a YAML scalar's value stands in the file.
 *
 * Value and source are walked side by side: what is no space is the same in both, and a run of spaces and line ends
 * in the value is one in the source (folding and indentation change no more than that). Where they differ (escapes,
 * what was filled in for `${name}`) it cannot be told any more.
 *
 * @param character index into `value`; its length is just behind it
 * @param start where the scalar begins in the source, with its quotes or its `|`
 * @param end where it ends
 * @returns a position in the source (of a space, that of its whole run), or undefined
 */
export function offsetOf(
  character: number,
  value: string,
  source: string,
  start: number,
  end: number,
): number | undefined {
  const style = source[start]
  let at = style === '|' || style === '>' ? source.indexOf('\n', start) : start
  if (style === "'" || style === '"') at++
  else at = skipSpace(source, at)
  // White space at the beginning of a block scalar's value is its first line's, beyond the indentation.
  let index = style === '|' || style === '>' ? skipSpace(value, 0) : 0
  while (index < character) {
    if (at >= end) return undefined
    if (isSpace(value[index])) {
      if (!isSpace(source[at])) return undefined
      const next = skipSpace(value, index)
      if (character < next) return at
      index = next
      at = skipSpace(source, at)
    } else {
      if (value[index] !== source[at]) return undefined
      // In single quotes a quote is written twice.
      at += style === "'" && value[index] === "'" ? 2 : 1
      index++
    }
  }
  const next = value[index]
  const same = isSpace(next) ? isSpace(source[at]) : next === undefined || next === source[at]
  return same ? at : undefined
}

const isSpace = (char: string | undefined): boolean =>
  char === ' ' || char === '\n' || char === '\t' || char === '\r'

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at++
  return at
}

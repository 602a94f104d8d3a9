/** Columns that are filled. */
export const WIDTH = 100

/** A text of at most so many characters; a longer one ends with `…`. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  // Not through a surrogate pair.
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** A text whose control characters are spelled out: what stands in data may do nothing to a terminal. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A number of things. */
export const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`

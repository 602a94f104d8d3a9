/**
 * Milliseconds that `Retry-After` asks for, in seconds or as a date; undefined if it says nothing legible.
 *
 * @param now milliseconds since 1970
 */
export function retryAfter(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined) return undefined
  const wait = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

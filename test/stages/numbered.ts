/** Numbered lines, for tests of stages that leave records as they are. */

/** `{"n": 0}`, `{"n": 1}`, …; with a filler each is at least that long. */
export const numbered = (count: number, fillerLength = 0): string[] =>
  Array.from({ length: count }, (_, n) =>
    fillerLength === 0 ? `{"n": ${n}}` : `{"n": ${n}, "filler": "${'x'.repeat(fillerLength)}"}`,
  )

/** The numbers of such lines. */
export const numbersOf = (lines: readonly string[] = []): number[] =>
  lines.map((line) => Number(/"n": (\d+)/.exec(line)?.[1]))

/** `0, 1, …` */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

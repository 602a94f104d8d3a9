/**
 * What the original tools make of rows, made again here without any of steerpipe's code.
 */

export const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

const NAMES = [
  'quality',
  'toxicity',
  'humor',
  'creativity',
  'helpfulness',
  'correctness',
  'coherence',
  'complexity',
  'verbosity',
]

/** A row of HelpSteer2. */
export interface Row {
  readonly prompt: string
  readonly response: string
  readonly [score: string]: string | number
}

const text = (value: string): string => JSON.stringify(value)

const scoresOf = (row: Row): [string, number][] =>
  NAMES.filter((name) => name in row).map((name) => [name, Number(row[name])])

const conversation = (row: Row, assistant: string): string =>
  `{"conversations": [{"value": ${text(row.prompt)}, "from": "User", "label": null}, {"value": ${text(row.response)}, "from": "Assistant", ${assistant}}], "system": ${text(SYSTEM)}, "mask": "User", "type": "VALUE_TO_TEXT"}\n`

/** The line that `template` makes of a row. */
export const scored = (row: Row): string =>
  conversation(
    row,
    `"scores": {${scoresOf(row)
      .map(([name, score]) => `"${name}": ${score}`)
      .join(', ')}}`,
  )

/** The line that `template` and `label-format` make of a row. */
export const labelled = (row: Row): string =>
  conversation(
    row,
    `"label": ${text(
      scoresOf(row)
        .map(([name, score]) => `${name}:${score}`)
        .join(','),
    )}`,
  )

/** The line of the regression file for a row, with integer scores. */
export function sample(row: Row): string {
  const said = `<extra_id_0>System\n${SYSTEM}\n<extra_id_1>User\n${row.prompt}\n<extra_id_1>Assistant\n${row.response}\n<extra_id_2>`
  const vector = NAMES.map((name) => `${row[name] ?? -100}.0`).join(', ')
  return `{"text": ${text(said)}, "label": [${vector}]}\n`
}

/** Rows with what is awkward about text. */
export const ROWS: readonly Row[] = [
  { prompt: 'What is 2 + 2?', response: '4', helpfulness: 4, verbosity: 0 },
  {
    prompt: 'Zeile 1\nZeile 2\t"zitiert" \\ größer',
    response: '日本語 🦊 \u2028 \u007f',
    helpfulness: 2,
    correctness: 3,
  },
  { prompt: '', response: '$& \u0001\u001f', coherence: 1, quality: 3 },
]

/** All lines of rows made in one way. */
export const all = (make: (row: Row) => string, rows: readonly Row[] = ROWS): string =>
  rows.map(make).join('')

/**
 * The width of a text in columns, for the lay-out of help: one for each character, as in all of our help texts.
 * The build puts it in the place of the package `string-width`, whose two copies (of cliui and wrap-ansi) set up
 * tables for every script at each start: a third of the time of `--help`.
 */
export default function textWidth(text: string): number {
  return text.length
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type Inspection, inspect } from '../../../src/pipeline/inspect/inspect.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-inspect-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a file and inspects it. */
export function inspected(
  content: string | Uint8Array,
  name = 'in.jsonl',
  count?: number,
): Promise<Inspection> {
  const path = join(folder, name)
  writeFileSync(path, content)
  return inspect(path, count)
}

/** Values as JSON Lines. */
export const lines = (...values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

/** The commands of an inspection, with the file as it is named there. */
export const commands = ({ next }: Inspection): string[] =>
  next.commands.map((command) => command.replaceAll(`${folder}/`, ''))

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** STEERPIPE_BIN names another build. */
const CLI = process.env.STEERPIPE_BIN ?? 'dist/cli/index.js'

/** How the built command starts, from the project's folder: with the flags of its own first line. */
export function steerpipeCommand() {
  const file = path.resolve(ROOT, CLI)
  if (!fs.existsSync(file)) throw new Error(`${CLI} is not there: npm run build`)
  const [line] = fs.readFileSync(file, 'utf8').split('\n', 1)
  const found = /^#!\/usr\/bin\/env (?:-S )?node(.*)$/.exec(line)
  if (!found) throw new Error(`${CLI} does not start with #!/usr/bin/env -S node: ${line.slice(0, 80)}`)
  return [process.execPath, ...found[1].split(' ').filter(Boolean), CLI]
}

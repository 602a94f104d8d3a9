import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROOT, readText, UPDATE } from '../support/paths.js'
import { errorReference, stageReference } from '../support/reference.js'

const README = `${ROOT}/README.md`

/** The README with a section between its markers made anew. */
function withSection(text: string, name: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
  expect(text, `the README has the markers of ${name}`).toMatch(pattern)
  return text.replace(pattern, (_, start: string, end: string) => `${start}${content}\n${end}`)
}

test('the README’s stage reference and error table are current (npm run generate)', () => {
  const current = readText(README)
  const wanted = withSection(withSection(current, 'stages', stageReference()), 'errors', errorReference())
  if (UPDATE) writeFileSync(README, wanted)
  else expect(current).toBe(wanted)
})

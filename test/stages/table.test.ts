import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Schema, stageSchema } from '../../src/pipeline/schema.js'
import { STAGE_NAMES, STAGES } from '../../src/stages/table.js'
import { ROOT } from '../support/paths.js'

/** Every schema inside a schema, by the path of its options. */
function options(schema: Schema, path = ''): [string, Schema][] {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  return properties.flatMap(([name, inner]) => [
    [`${path}${name}`, inner],
    ...options(inner, `${path}${name}.`),
  ])
}

test('names are unique, in kebab-case, and not those of other commands', () => {
  expect(new Set(STAGE_NAMES).size).toBe(STAGES.length)
  for (const name of STAGE_NAMES) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(['run', 'lint', 'explain', 'preview', 'list', 'schema', 'replay']).not.toContain(name)
  }
})

describe.each(STAGES.map((spec) => [spec.name, spec] as const))('%s', (name, spec) => {
  test('has a summary of one line, a description, an example and a test of its own', () => {
    expect(spec.summary).toMatch(/^[^\n]{10,100}[^.\n]$/)
    expect(spec.description.length).toBeGreaterThan(40)
    for (const { title, yaml } of spec.examples) {
      expect(title).not.toBe('')
      expect(yaml.startsWith(name)).toBe(true)
    }
    expect(existsSync(`${ROOT}/test/stages/${name}.test.ts`)).toBe(true)
  })

  test('each option is described', () => {
    const described = options(stageSchema(spec))
    expect(described.length).toBeGreaterThan(0)
    for (const [path, schema] of described) expect(schema.description, path).toMatch(/\.$/)
  })
})

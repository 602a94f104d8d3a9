import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { crypto } from '../lazy-node.js'
import type { Checked } from './check.js'
import type { Source, StageUse } from './pipeline.js'

/** What of a definition changes its output, as JSON can spell it. */
export function fingerprint({ pipeline, inputs }: Checked, limit: number | undefined): unknown {
  const { parse, stages } = pipeline
  const whole = {
    inputs: inputs.map((input) => ({
      name: input.name,
      sources: input.sources.map((source) => ofSource(source, parse)),
      interleave: input.interleave,
      stages: input.stages.map(ofStage),
    })),
    stages: stages.map(ofStage),
    limit,
  }
  return JSON.parse(JSON.stringify(whole))
}

/** Where its records come from may differ: what was read of them is compared by itself. */
function ofSource({ parse, stages, weight }: Source, common: StageUse): unknown {
  return { parse: ofStage(parse ?? common), stages: stages.map(ofStage), weight }
}

function ofStage({ spec, options }: StageUse): unknown {
  const counted = Object.entries(options).filter(([name]) => !spec.free?.includes(name as never))
  const values = counted.map(([name, value]) => [
    name,
    spec.paths?.includes(name) && typeof value === 'string' ? contentOf(value) : value,
  ])
  return { [spec.name]: Object.fromEntries(values) }
}

/** A file by what is in it. */
function contentOf(path: string): string {
  return `sha256:${crypto().createHash('sha256').update(readFileSync(path)).digest('hex')}`
}

/** Where two definitions differ first, as a sentence; undefined if they do not. */
export function difference(before: unknown, now: unknown, path = ''): string | undefined {
  if (isDeepStrictEqual(before, now)) return undefined
  if (isObject(before) && isObject(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const found = difference(before[key], now[key], path === '' ? key : `${path}.${key}`)
      if (found !== undefined) return found
    }
  }
  return `\`${path}\` was ${shown(before)} and is ${shown(now)}`
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

function shown(value: unknown): string {
  if (value === undefined) return 'not there'
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

import type * as z from 'zod'
import type { Attribute } from '../records/attributes.js'
import { parseSpec } from '../stages/parse.js'
import { nearest, suggestion } from '../suggest.js'
import {
  DEFINITION_KEYS,
  definitionSchema,
  type FullInput,
  inputSchema,
  type SourceEntry,
} from './definition.js'
import type { Outside } from './interpolate.js'
import type { Mistakes } from './mistakes.js'
import { type Input, type Pipeline, type Source, type StageUse, unknownStage } from './pipeline.js'
import { isMap, validate } from './problems.js'
import { fillInput } from './references.js'
import { StageReader } from './stage-reader.js'
import type { YamlPath } from './yaml-file.js'

const top = definitionSchema.shape

/** Stands for attributes that cannot be made out: what hangs on it is not judged, as with a var without a value. */
const UNKNOWN_ATTRIBUTES: readonly Attribute[] = [{ name: '${attributes}', min: 0, max: 4, sentinel: 0 }]

/** As for the stages that draw at random. */
const INTERLEAVE_SEED = 10

/**
 * Makes a pipeline of a definition after interpolation. What is wrong goes to the mistakes; the pipeline holds
 * whatever can be made out all the same, so that the checks that follow find what they can.
 */
export class DefinitionReader {
  private readonly stages: StageReader

  constructor(
    private readonly given: Readonly<Record<string, unknown>>,
    private readonly mistakes: Mistakes,
    private readonly texts: ReadonlyMap<unknown, Outside>,
    allow: readonly string[],
  ) {
    for (const key of Object.keys(given)) {
      if (DEFINITION_KEYS.includes(key)) continue
      const expected = DEFINITION_KEYS.join(', ')
      mistakes.invalid(`unknown key \`${key}\`${suggestion(key, DEFINITION_KEYS)}`, [key], {
        expected,
        key: true,
      })
    }
    const attributes = this.value('attributes', top.attributes)
    const wrong = attributes === undefined && given.attributes !== undefined
    this.stages = new StageReader(mistakes, wrong ? UNKNOWN_ATTRIBUTES : attributes, texts, allow)
  }

  pipeline(): Pipeline {
    this.value('vars', top.vars)
    const { parse, stages } = splitParse(this.commonStages())
    const inputs = this.inputs()
    if (inputs.some(({ interleave }) => interleave)) for (const use of stages) this.refuseGroup(use)
    return {
      name: fillInput(this.value('name', top.name) ?? '', ''),
      description: fillInput(this.value('description', top.description) ?? '', ''),
      inputs,
      parse: parse ?? this.stages.implied(parseSpec, ['stages']),
      stages,
      overwrite: this.value('overwrite', top.overwrite) ?? false,
    }
  }

  /** What stands at a key of the definition's top; undefined if it is wrong or not there. */
  private value<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined {
    const value = this.given[key]
    if (value !== undefined) return this.checked(schema, value, [key])
    // A misspelt key has been told, with the name that was meant.
    const misspelt = Object.keys(this.given).some((other) => nearest(other, DEFINITION_KEYS) === key)
    if (!schema.isOptional() && !misspelt) this.mistakes.invalid(`no \`${key}\``, [])
    return undefined
  }

  private checked<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    path: YamlPath,
  ): z.output<Schema> | undefined {
    const { file } = this.mistakes
    const result = validate(schema, value, (at) => this.texts.has(file.nodeAt([...path, ...at])))
    if ('data' in result) return result.data
    this.mistakes.take(result.problems, path)
    return undefined
  }

  private commonStages(): readonly StageUse[] {
    const stages = this.value('stages', top.stages)
    if (stages !== undefined) return this.stages.list(stages, ['stages'])
    return [unknownStage(undefined)]
  }

  private inputs(): Input[] {
    const { inputs } = this.given
    // A map is looked at input by input, so that what is wrong with one does not hide the others.
    if (isMap(inputs) && Object.keys(inputs).length > 0) {
      return Object.entries(inputs).flatMap(
        ([name, input]) => this.input(name, input, ['inputs', name]) ?? [],
      )
    }
    if (isMap(inputs)) {
      this.mistakes.invalid('`inputs` is empty', ['inputs'], { expected: 'at least one input' })
      return []
    }
    if (this.value('inputs', top.inputs) === undefined) return []
    return [this.input('input', inputs, ['inputs']) ?? []].flat()
  }

  private input(name: string, given: unknown, path: YamlPath): Input | undefined {
    const input = this.checked(inputSchema, given, path)
    if (input === undefined) return undefined
    if (typeof input === 'string' || Array.isArray(input)) {
      return { name, sources: this.sources(input, path, undefined), stages: [] }
    }
    const { parse, stages } = splitParse(this.stages.list(input.stages ?? [], [...path, 'stages']))
    const isMixed = this.isInterleaved(input, path)
    if (isMixed) for (const use of stages) this.refuseGroup(use)
    return {
      name,
      sources: this.sources(input.from, [...path, 'from'], parse, isMixed),
      stages,
      ...(isMixed && { interleave: { seed: input.seed ?? INTERLEAVE_SEED } }),
    }
  }

  /** Whether the sources of an input are interleaved. Says what is meant for that and does nothing. */
  private isInterleaved({ from, order, seed }: FullInput, path: YamlPath): boolean {
    const isList = Array.isArray(from)
    if (!isList && order !== undefined) {
      this.mistakes.invalid('`order` is for a list of sources, and this input is one', [...path, 'order'], {
        expected: '`from: [ … ]`; the files of a pattern are one source, one after the other',
        key: true,
      })
    } else if (seed !== undefined && order !== 'interleave') {
      this.mistakes.invalid('`seed` does nothing without `order: interleave`', [...path, 'seed'], {
        key: true,
      })
    }
    return isList && order === 'interleave'
  }

  /** Neighbours that are bound behind the interleaving are of any source: groups would be torn without a word. */
  private refuseGroup({ spec, options, placeOf }: StageUse): void {
    if (typeof options.group !== 'number' || options.group === 1) return
    this.mistakes.add('DEFINITION_INVALID', {
      found: `\`group\` of \`${spec.name}\` comes after the interleaving, which mixes records that are not bound yet`,
      fix: 'Put `group` on `parse`, or the stage among those of each source.',
      place: placeOf('group'),
    })
  }

  private sources(
    from: string | readonly SourceEntry[],
    path: YamlPath,
    parse: StageUse | undefined,
    isMixed = false,
  ): Source[] {
    const { file } = this.mistakes
    if (typeof from === 'string') return [{ from, place: file.placeOf(path), parse, stages: [] }]
    return from.map((entry, index): Source => {
      const at = [...path, index]
      if (typeof entry === 'string') return { from: entry, place: file.placeOf(at), parse, stages: [] }
      const own = splitParse(this.stages.list(entry.stages ?? [], [...at, 'stages']))
      const place = file.placeOf([...at, 'from'])
      const { weight } = entry
      if (weight !== undefined && !isMixed) {
        this.mistakes.invalid('`weight` does nothing without `order: interleave`', [...at, 'weight'], {
          expected: 'an input `{ from: [ … ], order: interleave }`',
          key: true,
        })
      }
      return {
        from: entry.from,
        place,
        parse: own.parse ?? parse,
        stages: own.stages,
        ...(weight !== undefined && { weight }),
      }
    })
  }
}

/** `parse` from the start of a list; elsewhere it stays, for the wiring check to refuse. */
function splitParse(uses: readonly StageUse[]): { parse: StageUse | undefined; stages: readonly StageUse[] } {
  return uses[0]?.spec === parseSpec
    ? { parse: uses[0], stages: uses.slice(1) }
    : { parse: undefined, stages: uses }
}

import { readFile } from 'node:fs/promises'
import { SteerpipeError } from '../errors.js'
import type { Attribute } from '../records/attributes.js'
import { findStage, STAGE_NAMES } from '../stages/table.js'
import { systemMessage } from '../storage/input.js'
import { suggestion } from '../suggest.js'
import { DEFINITION_KEYS, type Definition, definitionSchema, RESERVED_VARS } from './definition.js'
import { fill, interpolate, type Scope, type VarValue } from './interpolate.js'
import type { Input, Pipeline, Source, StageUse } from './pipeline.js'
import { useStage } from './stage-use.js'
import { YamlFile, type YamlPath } from './yaml-file.js'

/** What a definition is read with. */
export interface LoadSettings {
  /** Values for vars, from `--set`. */
  readonly set?: ReadonlyMap<string, string>
  /** Inputs that take the place of the definition's, from `--input`. */
  readonly inputs?: ReadonlyMap<string, string>
  /** The environment, for `${env.NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A definition that was read: a pipeline, unless too much was wrong to make one. */
export interface Loaded {
  readonly pipeline: Pipeline | undefined
  /** Everything that is wrong, in the order of the file. */
  readonly errors: readonly SteerpipeError[]
  /** Vars that are used and have no value. */
  readonly unset: readonly SteerpipeError[]
}

/** Reads a pipeline file. Mistakes in it are in the result, not thrown. */
export async function loadFile(path: string, settings: LoadSettings): Promise<Loaded> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const said = error instanceof Error ? systemMessage(error) : String(error)
    const found = `the pipeline file cannot be read: ${said}`
    const fix = 'Give the path of a pipeline file; `steerpipe list` shows those of this folder.'
    const failure = new SteerpipeError('NO_SUCH_INPUT', { found, fix, place: { input: path }, cause: error })
    return { pipeline: undefined, errors: [failure], unset: [] }
  }
  return loadText(path, text, settings)
}

/** Reads the text of a pipeline file. */
export function loadText(path: string, text: string, settings: LoadSettings): Loaded {
  return new Loader(new YamlFile(path, text), settings).load()
}

class Loader {
  private readonly errors: SteerpipeError[] = []
  private texts: ReadonlySet<unknown> = new Set()
  private attributes: Attribute[] | undefined

  constructor(
    private readonly file: YamlFile,
    private readonly settings: LoadSettings,
  ) {}

  load(): Loaded {
    this.errors.push(...this.file.syntaxErrors())
    if (this.errors.length > 0) return this.done(undefined, [])
    try {
      return this.build()
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      this.errors.push(error)
      return this.done(undefined, [])
    }
  }

  private done(pipeline: Pipeline | undefined, unset: readonly SteerpipeError[]): Loaded {
    const line = (error: SteerpipeError) => (error.place?.line ?? 0) * 1000 + (error.place?.column ?? 0)
    return { pipeline, errors: this.errors.sort((a, b) => line(a) - line(b)), unset }
  }

  private build(): Loaded {
    const scope = this.scope()
    const { errors, texts, unset } = interpolate(this.file, scope)
    this.errors.push(...errors)
    this.texts = texts
    const definition = this.validate()
    const missing = [...unset].map((name) => this.unsetError(name))
    return this.done(definition && this.pipeline(definition), missing)
  }

  /** The vars, with what was set; a var may use those above it. */
  private scope(): Scope {
    const given = this.file.toJS()
    const raw = isObject(given) && isObject(given.vars) ? given.vars : {}
    const vars = new Map<string, VarValue>()
    const texts = new Set<string>()
    const scope: Scope = { vars, texts, env: this.settings.env }
    for (const [name, value] of Object.entries(raw)) {
      const place = this.file.placeOf(['vars', name])
      if (RESERVED_VARS.includes(name)) {
        this.invalid(
          `the var \`${name}\` has the name of something that is always there`,
          ['vars', name],
          true,
        )
      }
      const set = this.settings.set?.get(name)
      if (set !== undefined) {
        vars.set(name, set)
        texts.add(name)
      } else if (typeof value === 'string') {
        const complain = (found: string, fix?: string) =>
          this.errors.push(new SteerpipeError('UNKNOWN_NAME', { found, fix, place }))
        const filled = fill(value, scope, new Set(), complain)
        vars.set(name, filled.value)
        if (filled.text) texts.add(name)
      } else vars.set(name, value as VarValue) // anything else is refused by the schema
    }
    for (const name of this.settings.set?.keys() ?? []) {
      if (vars.has(name)) continue
      this.errors.push(
        new SteerpipeError('USAGE', {
          found: `\`--set ${name}=…\`: the definition has no such var${suggestion(name, [...vars.keys()])}`,
          expected: [...vars.keys()].join(', ') || 'no vars',
          fix: 'Set one of its vars, or add it to `vars`.',
          place: { input: this.file.file },
        }),
      )
    }
    return scope
  }

  private unsetError(name: string): SteerpipeError {
    return new SteerpipeError('VAR_UNSET', {
      found: `the var \`${name}\` has no value`,
      fix: `Give it one: \`--set ${name}=…\`.`,
      place: this.file.placeOfKey(['vars', name]),
    })
  }

  private validate(): Definition | undefined {
    const given = this.file.toJS()
    if (!isObject(given)) {
      this.invalid('a pipeline file is a map with `name`, `inputs` and `stages`', [], false)
      return undefined
    }
    const result = definitionSchema.safeParse(given)
    if (result.success) return result.data
    for (const issue of result.error.issues) {
      const path = issue.path.filter((key) => typeof key !== 'symbol')
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) {
          const near = path.length === 0 ? suggestion(key, DEFINITION_KEYS) : ''
          const expected = path.length === 0 ? DEFINITION_KEYS.join(', ') : undefined
          this.invalid(`unknown key \`${key}\`${near}`, [...path, key], true, expected)
        }
      } else if (path[0] === 'stages' && path.length > 1) {
        this.invalid('a stage is its name, or one key with its options', path, false)
      } else if (path[0] === 'inputs' && path.length > 1) {
        this.invalid('an input is a path, a pattern, a list of them, or `{ from, stages }`', path, false)
      } else if (given[String(path[0])] === undefined) this.invalid(`no \`${path[0]}\``, [], false)
      else
        this.invalid(
          `\`${path.join('.')}\`: ${issue.message[0].toLowerCase()}${issue.message.slice(1)}`,
          path,
          false,
        )
    }
    // The stages are looked at all the same, so that every mistake is told at once.
    if (Array.isArray(given.stages)) this.stageList(given.stages, ['stages'])
    return undefined
  }

  private invalid(found: string, path: YamlPath, key: boolean, expected?: string): void {
    const place = key ? this.file.placeOfKey(path) : this.file.placeOf(path)
    this.errors.push(
      new SteerpipeError('DEFINITION_INVALID', {
        found,
        expected,
        fix: 'Mend this line of the definition.',
        place,
      }),
    )
  }

  private pipeline(definition: Definition): Pipeline {
    this.attributes = definition.attributes
    const common = this.stageList(definition.stages, ['stages'])
    const inputs = this.inputs(definition)
    const { parse, stages } = this.splitParse(common)
    return {
      name: definition.name,
      description: definition.description ?? '',
      inputs,
      parse: parse ?? this.defaultParse(),
      stages,
      overwrite: definition.overwrite ?? false,
    }
  }

  private defaultParse(): StageUse {
    return this.stage('parse', {}, ['stages'])
  }

  /** `parse` from the start of a list; elsewhere it stays, for the wiring check to refuse. */
  private splitParse(uses: readonly StageUse[]): {
    parse: StageUse | undefined
    stages: readonly StageUse[]
  } {
    return uses[0]?.spec.name === 'parse'
      ? { parse: uses[0], stages: uses.slice(1) }
      : { parse: undefined, stages: uses }
  }

  private inputs(definition: Definition): Input[] {
    const { inputs } = definition
    const replaced = new Map(this.settings.inputs)
    const named: [string, Exclude<typeof inputs, string> | string, YamlPath][] =
      typeof inputs === 'string' || Array.isArray(inputs)
        ? [['input', inputs, ['inputs']]]
        : Object.entries(inputs).map(([name, input]) => [name, input as typeof inputs, ['inputs', name]])
    const list = named.map(([name, input, path]): Input => {
      const replacement = replaced.get(name)
      replaced.delete(name)
      if (isObject(input) && 'from' in input) {
        const stages = Array.isArray(input.stages) ? this.stageList(input.stages, [...path, 'stages']) : []
        const { parse, stages: own } = this.splitParse(stages)
        const from = replacement ?? (input.from as string)
        return { name, sources: this.sources(from, [...path, 'from'], parse), stages: own }
      }
      return { name, sources: this.sources(replacement ?? (input as string), path, undefined), stages: [] }
    })
    for (const name of replaced.keys()) {
      const names = list.map((input) => input.name)
      this.errors.push(
        new SteerpipeError('USAGE', {
          found: `\`--input ${name}=…\`: the definition has no such input${suggestion(name, names)}`,
          expected: names.join(', '),
          fix: 'Name one of its inputs.',
          place: { input: this.file.file },
        }),
      )
    }
    return list
  }

  private sources(
    from: string | (string | { from: string; stages?: unknown[] | undefined })[],
    path: YamlPath,
    parse: StageUse | undefined,
  ): Source[] {
    const place = this.file.placeOf(path)
    if (typeof from === 'string') return [{ from, place, parse, stages: [] }]
    return from.map((entry, index): Source => {
      const entryPath = [...path, index]
      if (typeof entry === 'string')
        return { from: entry, place: this.file.placeOf(entryPath), parse, stages: [] }
      const uses = this.stageList(entry.stages ?? [], [...entryPath, 'stages'])
      const own = this.splitParse(uses)
      const entryPlace = this.file.placeOf([...entryPath, 'from'])
      return { from: entry.from, place: entryPlace, parse: own.parse ?? parse, stages: own.stages }
    })
  }

  private stageList(entries: readonly unknown[], path: YamlPath): StageUse[] {
    return entries.flatMap((entry, index) => this.stageEntry(entry, [...path, index]) ?? [])
  }

  private stageEntry(entry: unknown, path: YamlPath): StageUse | undefined {
    if (typeof entry === 'string') return this.namedStage(entry, null, path, path)
    if (!isObject(entry)) return undefined
    const names = Object.keys(entry)
    if (names.length !== 1) {
      this.invalid('a stage is its name, or one key with its options', path, false)
      return undefined
    }
    return this.namedStage(names[0], entry[names[0]], path, [...path, names[0]])
  }

  private namedStage(
    name: string,
    value: unknown,
    path: YamlPath,
    optionsPath: YamlPath,
  ): StageUse | undefined {
    const spec = findStage(name)
    if (spec === undefined) {
      this.errors.push(
        new SteerpipeError('UNKNOWN_STAGE', {
          found: `there is no stage \`${name}\`${suggestion(name, STAGE_NAMES)}`,
          expected: STAGE_NAMES.join(', '),
          place: this.file.placeOf(path),
        }),
      )
      return undefined
    }
    if (isObject(value)) return this.stage(name, value, optionsPath)
    if (value === null || value === undefined) return this.stage(name, {}, optionsPath)
    if (spec.main !== undefined && typeof value !== 'object') {
      return this.stage(name, { [spec.main]: value }, optionsPath, spec.main)
    }
    this.invalid(`\`${name}\` takes its options as a map, \`{ option: value }\``, optionsPath, false)
    return undefined
  }

  /** @param main the option that stands alone as the stage's value */
  private stage(name: string, given: Record<string, unknown>, path: YamlPath, main?: string): StageUse {
    const spec = findStage(name)
    if (spec === undefined) throw new Error(`stage ${name} is not in the table`)
    const options = { ...given }
    if (this.attributes && 'attributes' in spec.options.shape) options.attributes ??= this.attributes
    const inYaml = (at: readonly PropertyKey[]): YamlPath =>
      main === undefined ? [...path, ...at.filter((key) => typeof key !== 'symbol')] : path
    const source = {
      place: this.file.placeOf(path),
      placeOf: (at: readonly PropertyKey[], key: boolean) =>
        key ? this.file.placeOfKey(inYaml(at)) : this.file.placeOf(inYaml(at)),
      isText: (at: readonly PropertyKey[]) => this.texts.has(this.file.document.getIn(inYaml(at), true)),
    }
    return useStage(spec, options, source, this.errors)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

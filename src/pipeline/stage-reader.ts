import { dirname, isAbsolute, join } from 'node:path'
import type { Attribute } from '../records/attributes.js'
import type { StageSpec } from '../stages/spec.js'
import { findStage, STAGE_NAMES } from '../stages/table.js'
import { suggestion } from '../suggest.js'
import type { Outside } from './interpolate.js'
import type { Mistakes } from './mistakes.js'
import { type StageUse, unknownStage } from './pipeline.js'
import { isMap, type ValuePath } from './problems.js'
import { hasUnset, spelled } from './references.js'
import { kebab, useStage } from './stage-use.js'
import type { YamlPath } from './yaml-file.js'

/** A path in a definition, from the definition's folder. What is none yet, or none at all, stays as it is. */
function fromFolder(file: string, path: string): string {
  return path === '' || hasUnset(path) || isAbsolute(path) ? path : join(dirname(file), path)
}

/** Reads the lists of stages in a definition. */
export class StageReader {
  /**
   * @param attributes the definition's own, for every stage that uses them
   * @param texts the scalars whose text came from outside
   * @param allow folders that code may be loaded from beside the definition's own
   */
  constructor(
    private readonly mistakes: Mistakes,
    private readonly attributes: readonly Attribute[] | undefined,
    private readonly texts: ReadonlyMap<unknown, Outside>,
    private readonly allow: readonly string[],
  ) {}

  list(entries: readonly unknown[], path: YamlPath): StageUse[] {
    return entries.map((entry, index) => this.entry(entry, [...path, index]))
  }

  /** The stage with all of its options left out. @param path what it is implied by */
  implied(spec: StageSpec, path: YamlPath): StageUse {
    return this.use(spec, {}, path, path)
  }

  private entry(entry: unknown, path: YamlPath): StageUse {
    if (typeof entry === 'string') return this.named(entry, null, path, path)
    const [name, ...others] = isMap(entry) ? Object.keys(entry) : []
    if (isMap(entry) && name !== undefined && others.length === 0) {
      return this.named(name, entry[name], path, [...path, name])
    }
    const found =
      others.length > 0 ? `\`${name}\` and \`${others.join('`, `')}\` in one stage` : 'this is no stage'
    this.mistakes.invalid(found, path, { expected: 'the name of a stage, or one key with its options' })
    return this.unknown(path)
  }

  private named(name: string, value: unknown, path: YamlPath, optionsPath: YamlPath): StageUse {
    const spec = findStage(name)
    if (spec === undefined) {
      this.mistakes.add('UNKNOWN_STAGE', {
        found: `there is no stage \`${spelled(name)}\`${suggestion(name, STAGE_NAMES)}`,
        expected: STAGE_NAMES.join(', '),
        place: this.mistakes.file.placeOf(path),
      })
      return this.unknown(path)
    }
    if (isMap(value)) return this.use(spec, value, path, optionsPath)
    if (value === null) return this.use(spec, {}, path, optionsPath)
    if (spec.main !== undefined && !Array.isArray(value)) {
      return this.use(spec, { [spec.main]: value }, path, optionsPath, spec.main)
    }
    const alone = spec.main === undefined ? '' : `, or its \`${spec.main}\` alone`
    this.mistakes.invalid(`\`${name}\` has no map of options`, optionsPath, {
      expected: `\`{ option: value }\`${alone}`,
    })
    return this.unknown(path)
  }

  /** @param main the option that stands alone as the stage's value */
  private use(
    spec: StageSpec,
    given: Readonly<Record<string, unknown>>,
    path: YamlPath,
    optionsPath: YamlPath,
    main?: string,
  ): StageUse {
    const { file, errors } = this.mistakes
    const usesAttributes = 'attributes' in spec.options.shape && given.attributes === undefined
    const inYaml = (at: ValuePath) => (main === undefined ? [...optionsPath, ...at] : optionsPath)
    const options: Record<string, unknown> = {
      ...given,
      ...(usesAttributes && this.attributes && { attributes: this.attributes }),
    }
    let isNamedByUser = true
    for (const name of (spec.paths ?? []).map(kebab)) {
      const path = options[name]
      const outside = this.texts.get(file.nodeAt(inYaml([name])))
      isNamedByUser &&= outside === 'set'
      if (typeof path === 'string' && outside === undefined) options[name] = fromFolder(file.file, path)
    }
    const folders = [dirname(file.file), ...this.allow]
    return useStage(
      isNamedByUser ? spec : (spec.within?.(folders) ?? spec),
      options,
      {
        place: file.placeOf(path),
        placeOf: (at, key) => (key ? file.placeOfKey(inYaml(at)) : file.placeOf(inYaml(at))),
        placeIn: (at, character, text) => file.placeIn(inYaml(at), character, text),
        isText: (at) => this.texts.has(file.nodeAt(inYaml(at))),
      },
      errors,
    )
  }

  private unknown(path: YamlPath): StageUse {
    return unknownStage(this.mistakes.file.placeOf(path))
  }
}

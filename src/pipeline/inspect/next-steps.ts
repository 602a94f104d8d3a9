import { basename } from 'node:path'
import type { DataSet } from '../../datasets/dataset.js'
import { DATA_SETS, type DataSetName } from '../../datasets/index.js'
import type { JsonRecord } from '../../records/record.js'
import { shellWord } from '../../shell-word.js'
import { arePairs } from './conversations.js'
import type { GuessedMapping } from './mapping.js'
import { dataSetRecipe, recipeFile } from './recipes.js'
import type { Reading, Sample } from './sample.js'
import type { SchemaFit } from './schemas.js'

/** What to do with an input. */
export interface NextSteps {
  /** Sentences. */
  readonly advice: readonly string[]
  /** Command lines, the best first. */
  readonly commands: readonly string[]
}

/** The reward server that the recipe `annotate` asks. */
const SERVER = 'http://127.0.0.1:5555'

/** What to do with the records of an input. */
export class NextStepsFinder {
  private readonly records: readonly JsonRecord[]

  constructor(
    private readonly path: string,
    private readonly reading: Reading,
    private readonly sample: Sample,
  ) {
    this.records = sample.records
  }

  /** @param best the schema that the records fit best; undefined if there is none */
  async find(best: SchemaFit | undefined): Promise<NextSteps> {
    const [error] = this.sample.errors
    if (this.records.length === 0) return { advice: error === undefined ? [] : [error.fix], commands: [] }
    if (this.reading.format === 'lines') {
      const parse = this.filter('parse', ['--format', 'lines', '--field', 'prompt'], 'rows.jsonl')
      return {
        advice: ['Each line is a record with one field; `--field` names it.'],
        commands: [parse],
      }
    }
    if (best === undefined) {
      return {
        advice: ['No schema is known that these records fit. A function of your own can make rows of them:'],
        commands: [this.filter('map', ['--module', './my-stage.mjs'], 'rows.jsonl')],
      }
    }
    switch (best.name) {
      case 'labelled-conversations':
        return this.ofConversations('regression', 'regression-expand', [], 'samples.jsonl')
      case 'scored-conversations':
        return this.ofConversations(undefined, 'label-format', [], 'labelled.jsonl')
      case 'plain-conversations':
        return this.ofConversations('annotate', 'annotate', ['--server', SERVER], 'annotated.jsonl')
      case 'samples':
        return {
          advice: ['This is the last form, which is trained on as it is; it can be shuffled and split.'],
          commands: [
            `${this.filter('shuffle', [])} | steerpipe split --parts '{ train: 0.95, val: 0.05 }' -o 'split-\${part}.jsonl'`,
          ],
        }
      case 'dead-letters':
        return {
          advice: [
            'Mend `raw` in it, and run the records again through the pipeline that has set them aside.',
          ],
          commands: [line(['replay', this.path === '-' ? 'FILE' : this.path, 'PIPELINE.yaml'])],
        }
      case 'mapping':
        return this.ofMapping(best.mapping)
      default:
        return this.ofDataSet(best.name)
    }
  }

  private async ofDataSet(name: DataSetName): Promise<NextSteps> {
    const { aloneWith, bindsRow }: DataSet = DATA_SETS[name]
    const group = bindsRow ? ' --group 2' : ''
    const commands = [
      `${this.filter('template', ['--dataset', name])} | steerpipe label-format${group} -o ${this.out('sft.jsonl')}`,
    ]
    // What `template` puts together must not be shuffled before it, as recipes may do.
    const areWhole =
      aloneWith === undefined || this.records.every((record) => record.member(record.root, aloneWith) >= 0)
    const recipe = this.isPlain && areWhole ? await dataSetRecipe(name, this.path) : undefined
    return { advice: [], commands: recipe ? [line(recipe), ...commands] : commands }
  }

  private ofMapping({ prompt, response, numbers }: GuessedMapping): NextSteps {
    const flags = ['--mapping.prompt', prompt, '--mapping.response', response]
    const scores = `Numbers are in ${numbers.map((name) => `\`${name}\``).join(', ')}: \`--mapping.scores '{ ATTRIBUTE: FIELD }'\` says which of them are scores.`
    return {
      advice: numbers.length > 0 ? [scores] : [],
      commands: [`${this.filter('template', flags)} | steerpipe label-format -o ${this.out('sft.jsonl')}`],
    }
  }

  private ofConversations(
    recipe: string | undefined,
    stage: string,
    flags: readonly string[],
    out: string,
  ): NextSteps {
    const isPaired = arePairs(this.records, this.sample.isAll)
    const group = isPaired ? ['--group', '2'] : []
    const commands = [this.filter(stage, [...flags, ...group], out)]
    const file = this.isPlain && recipe !== undefined ? recipeFile(recipe) : undefined
    if (file !== undefined)
      commands.unshift(line(['run', file, '--set', `in=${this.path}`, '--set', `out=data/${out}`]))
    const pairs = 'Neighbours are pairs, two responses to one prompt: `--group 2` keeps them together.'
    return { advice: isPaired ? [pairs] : [], commands }
  }

  /** Whether a recipe can read the input as it is. */
  private get isPlain(): boolean {
    return this.reading.format === 'jsonl' && this.path !== '-'
  }

  /** A stage as a filter over the input. */
  private filter(stage: string, flags: readonly string[], out?: string): string {
    const { format, path } = this.reading
    const reading =
      format === 'json' ? ['--format', 'json', ...(path === undefined ? [] : ['--path', path])] : []
    const file = this.path === '-' ? [] : [this.path]
    const to = out === undefined ? [] : ['-o', this.out(out)]
    return line([stage, ...flags, ...reading, ...file, ...to])
  }

  /** A name for an output that is not the input's. */
  private out(name: string): string {
    return basename(this.path) === name ? `new-${name}` : name
  }
}

/** A command line. */
const line = (args: readonly string[]): string => ['steerpipe', ...args].map(shellWord).join(' ')

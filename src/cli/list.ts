import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandModule } from 'yargs'
import { DATA_SETS } from '../datasets/index.js'
import { STAGES } from '../stages/table.js'
import { print } from './terminal.js'

/** Where definitions are kept. */
const FOLDER = 'pipelines'

/** `steerpipe list` */
export const listCommand: CommandModule = {
  command: 'list',
  describe: 'list the stages, the data sets, and the pipeline files in ./pipelines',
  handler: async () => {
    const stages = STAGES.map(({ name, summary }): [string, string] => [name, summary])
    const dataSets = Object.values(DATA_SETS).map(({ name, summary }): [string, string] => [name, summary])
    const text = [
      section('stages', stages),
      section('data sets', dataSets),
      section(`${FOLDER}/`, await recipes()),
    ]
    await print(text.filter(Boolean).join('\n'))
  },
}

/** The pipeline files of the folder with their descriptions, or what is wrong with them. */
async function recipes(): Promise<[string, string][]> {
  if (!existsSync(FOLDER)) return []
  const { loadFile } = await import('../pipeline/load.js')
  const files = readdirSync(FOLDER).filter((file) => /\.ya?ml$/.test(file))
  return Promise.all(
    files.sort().map(async (file): Promise<[string, string]> => {
      const { pipeline, errors } = await loadFile(join(FOLDER, file), { env: process.env })
      const wrong = `${errors.length} mistake${errors.length === 1 ? '' : 's'}: steerpipe lint ${join(FOLDER, file)}`
      return [file, errors.length > 0 ? wrong : (pipeline?.description ?? '')]
    }),
  )
}

function section(title: string, rows: readonly [string, string][]): string {
  if (rows.length === 0) return ''
  const width = Math.max(...rows.map(([name]) => name.length))
  return `${title}\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('')}`
}

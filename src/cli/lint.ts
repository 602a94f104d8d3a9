import type { CommandModule } from 'yargs'
import { lintFile } from '../pipeline/check.js'
import { definitionOptions, loadSettings } from './definition-options.js'
import { EXIT, say, showError } from './terminal.js'

/** `steerpipe lint FILE…` */
export const lintCommand: CommandModule<object, { files: string[]; set: string[]; allow: string[] }> = {
  command: 'lint <files..>',
  describe: 'say everything that is wrong with pipeline files, without running them',
  builder: (yargs) =>
    yargs
      .positional('files', { type: 'string', array: true, demandOption: true, describe: 'pipeline files' })
      .options(definitionOptions) as never,
  handler: async ({ files, set, allow }) => {
    let mistakes = 0
    for (const file of files) {
      const errors = await lintFile(file, loadSettings(set, allow))
      mistakes += errors.length
      for (const error of errors) say(showError(error))
    }
    const checked = files.length === 1 ? files[0] : `${files.length} files`
    say(
      mistakes === 0
        ? `${checked}: nothing wrong`
        : `${checked}: ${mistakes} mistake${mistakes === 1 ? '' : 's'}`,
    )
    if (mistakes > 0) process.exitCode = EXIT.usage
  },
}

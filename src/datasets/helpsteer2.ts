import type { DataSet } from './dataset.js'
import { flatReader } from './flat.js'

/** nvidia/HelpSteer2: a prompt, a response and whatever of the attributes is there. */
export const helpsteer2: DataSet = {
  name: 'helpsteer2',
  summary: 'rows with prompt, response and whatever of `attributes` is there',
  takes: ['splitTurns'],
  open: (settings) => flatReader({ prompt: 'prompt', response: 'response' }, settings),
}

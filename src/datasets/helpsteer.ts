import { HELPSTEER_ATTRIBUTES } from '../records/attributes.js'
import type { DataSet } from './dataset.js'
import { flatReader } from './flat.js'

/** nvidia/HelpSteer: a prompt, a response and five scores, all of which every row must have. */
export const helpsteer: DataSet = {
  name: 'helpsteer',
  summary: `rows with prompt, response, ${HELPSTEER_ATTRIBUTES.join(', ')}`,
  takes: ['splitTurns'],
  open: (settings) =>
    flatReader(
      { prompt: 'prompt', response: 'response', scores: [...HELPSTEER_ATTRIBUTES] },
      settings,
      HELPSTEER_ATTRIBUTES,
    ),
}

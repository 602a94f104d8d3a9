import { encode } from '../records/json-text.js'
import type { DataSet } from './dataset.js'
import { promptTurns } from './prompt-turns.js'
import { exchange, RowFields, scoreOf } from './row.js'

const NEEDS = '`split`, `prompt`, `response_1`, `response_2`, `preference_strength`'
const QUALITY = { name: 'quality', key: encode('quality') }
const TRAIN = encode('train')

/**
 * nvidia/HelpSteer2, preference.jsonl.gz: two responses to one prompt and how strongly the second is preferred
 * (negative: the first). Both become conversations, first and second, that belong together. The strength rides
 * in the slot of `quality`, as the original tools have it.
 */
export const helpsteer2Preference: DataSet = {
  name: 'helpsteer2-preference',
  summary: 'rows with split, prompt, response_1, response_2, preference_strength; each gives a pair',
  takes: ['splitTurns'],
  parts: ['train', 'val'],
  bindsRow: true,
  open: (settings) => {
    const fields = new RowFields()
    const [split, said, first, second, strength] = [
      'split',
      'prompt',
      'response_1',
      'response_2',
      'preference_strength',
    ].map((name) => fields.add(name))
    return (row, emit) => {
      fields.find(row)
      const part = fields.text(row, split, NEEDS) === TRAIN ? 'train' : 'val'
      const prompt = promptTurns(settings, fields.text(row, said, NEEDS))
      const responses = [fields.text(row, first, NEEDS), fields.text(row, second, NEEDS)]
      const score = scoreOf(row, fields.need(row, strength, NEEDS), QUALITY)
      for (const response of responses) {
        const conversation = exchange(row, settings, prompt, response, [score])
        conversation.part = part
        emit(conversation)
      }
    }
  },
}

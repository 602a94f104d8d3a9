import { encode } from '../records/json-text.js'
import type { DataSet } from './dataset.js'
import { exchange, missingField, scoreField, textField } from './row.js'

const NEEDS = '`split`, `prompt`, `response_1`, `response_2`, `preference_strength`'
const SPLIT = encode('split')
const PROMPT = encode('prompt')
const RESPONSE_1 = encode('response_1')
const RESPONSE_2 = encode('response_2')
const STRENGTH = encode('preference_strength')
const QUALITY = encode('quality')
const TRAIN = encode('train')

/**
 * nvidia/HelpSteer2, preference.jsonl.gz: two responses to one prompt and how strongly the second is preferred
 * (negative: the first). Both become conversations, first and second, that belong together. The strength rides
 * in the slot of `quality`, as the original tools have it.
 */
export const helpsteer2Preference: DataSet = {
  name: 'helpsteer2-preference',
  summary: 'rows with split, prompt, response_1, response_2, preference_strength; each gives a pair',
  parts: ['train', 'val'],
  bindsRow: true,
  open: (settings) => (row, emit) => {
    const part = textField(row, SPLIT, NEEDS) === TRAIN ? 'train' : 'val'
    const prompt = textField(row, PROMPT, NEEDS)
    const responses = [textField(row, RESPONSE_1, NEEDS), textField(row, RESPONSE_2, NEEDS)]
    const strength = scoreField(row, STRENGTH, QUALITY)
    if (strength === undefined) throw missingField(row, STRENGTH, NEEDS)
    for (const response of responses) {
      const conversation = exchange(row, settings, prompt, response, [strength])
      conversation.part = part
      emit(conversation)
    }
  },
}

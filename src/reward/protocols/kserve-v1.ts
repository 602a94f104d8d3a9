import {
  type Ask,
  arrayOf,
  BadAnswer,
  type Contract,
  jsonOf,
  objectOf,
  type Protocol,
  type ProtocolSettings,
  postJson,
  type Scores,
  type ServerResponse,
  scoreOf,
  WrongServer,
} from '../protocol.js'
import { getJson } from './get-json.js'
import { labelled } from './labelled.js'

/**
 * KServe's V1 protocol, which is TensorFlow Serving's: a list of texts, a list of predictions. A prediction is a
 * score, a list of scores, or an object of them; the keys of the object are names or, from KServe's server for
 * Hugging Face models, places.
 *
 * After KServe's documentation and source (`protocol/rest/v1_endpoints.py` and `huggingfaceserver/encoder_model.py`
 * at 0217bda). That server gives the number of the likeliest class unless it runs with `--return_raw_logits`.
 */
export const kserveV1: Protocol = {
  name: 'kserve-v1',
  mostTexts: Number.POSITIVE_INFINITY,
  mostBytes: Number.POSITIVE_INFINITY,
  usualTexts: 16,
  ready: ({ model }) => [{ method: 'GET', path: pathOf(model) }],
  contract,
  request: (questions, { model }) =>
    postJson(`${pathOf(model)}:predict`, { instances: questions.map(({ text }) => text.toString('utf8')) }),
  read,
}

function pathOf(model: string): string {
  return `/v1/models/${encodeURIComponent(model)}`
}

async function contract(ask: Ask, { model }: ProtocolSettings): Promise<Contract> {
  const answer = await getJson(ask, pathOf(model))
  if (answer === undefined)
    throw new WrongServer(`the server has no model \`${model}\``, `the model \`${model}\``)
  if (objectOf(answer, 'what the server says of the model').ready === false) {
    throw new BadAnswer(`the model \`${model}\` is not ready`)
  }
  return {}
}

function read(response: ServerResponse, count: number): Scores[] {
  const { predictions } = objectOf(jsonOf(response), 'the answer')
  return arrayOf(predictions, '`predictions`', count).map((prediction, i) => {
    const what = `prediction ${i}`
    if (Array.isArray(prediction))
      return { values: prediction.map((score) => scoreOf(score, `a score of ${what}`)) }
    if (typeof prediction !== 'object' || prediction === null) return { values: [scoreOf(prediction, what)] }
    return labelled(
      Object.entries(prediction).map(([name, score]) => [name, scoreOf(score, `\`${name}\` of ${what}`)]),
    )
  })
}

import {
  type Ask,
  arrayOf,
  BadAnswer,
  type Contract,
  jsonOf,
  objectOf,
  type Protocol,
  postJson,
  type Scores,
  type ServerResponse,
  scoreOf,
  WrongServer,
} from '../protocol.js'
import { getJson } from './get-json.js'
import { labelled } from './labelled.js'

/**
 * Hugging Face's Text Embeddings Inference, for models of sequence classification: for each text its scores with
 * their labels, the highest first.
 *
 * After its source (`router/src` at bc0fa32). It refuses an empty text, and one of more tokens than the model takes.
 */
export const tei: Protocol = {
  name: 'tei',
  // What `--max-client-batch-size` and `--payload-limit` are unless told otherwise.
  mostTexts: 32,
  mostBytes: 2_000_000,
  usualTexts: 1,
  ready: () => [{ method: 'GET', path: '/health' }],
  contract,
  request: (questions) =>
    postJson('/predict', {
      // Each in a list of its own: two texts in one list are a pair.
      inputs: questions.map(({ text }) => [text.toString('utf8')]),
      raw_scores: true,
      // Otherwise the server may be set to cut what is too long, and the end is what counts.
      truncate: false,
    }),
  read,
  learnMostTexts: ({ status, body }) => {
    const found = status === 413 ? /maximum allowed batch size (\d+)/.exec(body.toString('utf8')) : null
    return found === null ? undefined : Number(found[1])
  },
}

async function contract(ask: Ask): Promise<Contract> {
  const info = objectOf(await getJson(ask, '/info'), 'the information on the server')
  const { model_type: type, max_client_batch_size: mostTexts } = info
  const [kind] = typeof type === 'string' ? [type] : Object.keys(objectOf(type, '`model_type`'))
  // What has one score is called a reranker.
  if (kind !== 'classifier' && kind !== 'reranker') {
    throw new WrongServer(`the model \`${info.model_id}\` is of the type \`${kind}\``, 'a classifier')
  }
  if (typeof mostTexts !== 'number' || !(mostTexts > 0)) {
    throw new BadAnswer('`max_client_batch_size` is no number of texts')
  }
  return { mostTexts }
}

function read(response: ServerResponse, count: number): Scores[] {
  return arrayOf(jsonOf(response), 'the answer', count).map((entry, i) =>
    labelled(arrayOf(entry, `entry ${i}`).map(predictionOf)),
  )
}

function predictionOf(value: unknown): [string, number] {
  const { label, score } = objectOf(value, 'a prediction')
  if (typeof label !== 'string') throw new BadAnswer('a label is no text')
  return [label, scoreOf(score, `the score of \`${label}\``)]
}

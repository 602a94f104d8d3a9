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
import { MODELS } from './served-models.js'

/**
 * SGLang's own API for reward models, which it serves with `--is-embedding`: a row of raw scores for each text.
 *
 * After SGLang's source (`srt/entrypoints/http_server.py` at 9c0549b and 0025436). `/v1/classify` is another thing: it applies a softmax.
 * Neither the number of texts nor the size of a request is limited; it gathers batches itself. It passes over
 * `model`, so the name is not looked at here either.
 */
export const sglang: Protocol = {
  name: 'sglang',
  mostTexts: Number.POSITIVE_INFINITY,
  mostBytes: Number.POSITIVE_INFINITY,
  usualTexts: 1,
  // `/health` has the model score something and takes a second. The server listens when the model is loaded.
  ready: () => [{ method: 'GET', path: MODELS }],
  contract,
  request: (questions, { model }) =>
    postJson('/classify', { model, text: questions.map(({ text }) => text.toString('utf8')) }),
  read,
}

async function contract(ask: Ask): Promise<Contract> {
  // The second is the older name of the first.
  const answer = (await getJson(ask, '/model_info')) ?? (await getJson(ask, '/get_model_info'))
  const info = objectOf(answer, 'the information on the model')
  if (typeof info.is_generation !== 'boolean')
    throw new BadAnswer('`is_generation` is neither true nor false')
  if (info.is_generation) {
    throw new WrongServer(
      `the model \`${info.model_path}\` is served for writing text`,
      'a reward model, served with `--is-embedding`',
    )
  }
  return {}
}

function read(response: ServerResponse, count: number): Scores[] {
  return arrayOf(jsonOf(response), 'the answer', count).map((entry, i) => {
    const { embedding } = objectOf(entry, `entry ${i}`)
    return {
      values: arrayOf(embedding, `\`embedding\` of entry ${i}`).map((score) => scoreOf(score, 'a score')),
    }
  })
}

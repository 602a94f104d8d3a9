import {
  arrayOf,
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

/**
 * The remote reward models of OpenRLHF: one score for each text.
 *
 * After OpenRLHF's source (`cli/serve_rm.py` at 080b54f and 58ec6ff), and what its trainers send. It says nothing of
 * itself, and scores one request at a time, as one batch unless it is told a size. It cuts what is longer than its
 * `--max_len` and does not say so.
 */
export const openrlhf: Protocol = {
  name: 'openrlhf',
  mostTexts: Number.POSITIVE_INFINITY,
  mostBytes: Number.POSITIVE_INFINITY,
  usualTexts: 16,
  ready: () => [],
  contract,
  request: (questions) => {
    const query = questions.map(({ text }) => text.toString('utf8'))
    // The whole text is the query: no prompt is split off, and there is no reference answer. Its own server looks
    // at neither; others may want lists of the same length.
    const none = query.map(() => '')
    return postJson('/get_reward', { query, prompts: none, labels: none })
  },
  read,
}

/** The server cannot be asked, but the declaration can be looked at. */
async function contract(_ask: unknown, { heads }: ProtocolSettings): Promise<Contract> {
  if (heads.length === 1) return {}
  throw new WrongServer(
    'a server of this protocol gives one score for a text',
    `${heads.length} scores (${heads.join(', ')})`,
  )
}

/** A score may stand in a list of its own, as some models give it, and a single one without any list. */
function read(response: ServerResponse, count: number): Scores[] {
  const { rewards } = objectOf(jsonOf(response), 'the answer')
  const list = count === 1 && typeof rewards === 'number' ? [rewards] : arrayOf(rewards, '`rewards`', count)
  return list.map((entry) => {
    const [score] = Array.isArray(entry) ? arrayOf(entry, 'a reward', 1) : [entry]
    return { values: [scoreOf(score, 'a reward')] }
  })
}

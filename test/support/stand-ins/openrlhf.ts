import { areTexts, isObject, jsonIn, NO_METHOD, NO_PATH, type Reply, standIn } from './stand-in.js'

/** `openrlhf.cli.serve_rm`: it looks at nothing but `query`, and whatever it cannot work with is an exception. */
export const openrlhf = standIn((request, setting) => {
  // It knows no keys; a proxy before it may.
  if (!setting.allowed) return { status: 401, body: { detail: 'Unauthorized' } }
  if (!setting.ready) return { status: 502, body: 'Bad Gateway' }
  if (request.path !== '/get_reward') return NO_PATH
  if (request.method !== 'POST') return NO_METHOD
  const body = jsonIn(request)
  if (!isObject(body) || !areTexts(body.query)) return EXCEPTION
  const rewards = setting.score(body.query).map(([first]) => first)
  return { status: 200, body: { rewards, scores: rewards, extra_logs: { dummy_scores: rewards } } }
})

const EXCEPTION: Reply = { status: 500, body: 'Internal Server Error' }

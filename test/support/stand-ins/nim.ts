import type { Message } from '../../../src/reward/protocol.js'
import { isObject, jsonIn, type Received, type Reply, type Setting, saysJson, standIn } from './stand-in.js'

/** The text that the stand-in scores for messages. */
export function spoken(messages: readonly Message[]): string {
  return messages.map(({ role, content }) => `${role}: ${content}`).join('\n')
}

/** The hosted nemotron-4-340b-reward. */
export const nim = standIn((request, setting) => {
  const { method, path, headers } = request
  if (headers.authorization === undefined && !setting.allowed) {
    return problem(401, 'Unauthorized', 'Header of type `authorization` was missing')
  }
  if (!setting.allowed) return problem(403, 'Forbidden', 'Authorization failed')
  if (!setting.ready) return problem(503, 'Service Unavailable', 'No workers are available')
  if (path === '/v1/models') return method === 'GET' ? models(setting) : { status: 405 }
  if (path !== '/v1/chat/completions') return { status: 404, body: '404 page not found' }
  return method === 'POST' ? chat(request, setting) : { status: 405 }
})

function models({ model }: Setting): Reply {
  const list = [model, 'meta/llama-3.1-8b-instruct'].map((id) => ({
    id,
    object: 'model',
    created: 735790403,
    owned_by: 'nvidia',
  }))
  return { status: 200, body: { object: 'list', data: list } }
}

function chat(request: Received, setting: Setting): Reply {
  if (!saysJson(request)) return problem(415, 'Unsupported Media Type', 'Expected application/json')
  const body = jsonIn(request)
  if (!isObject(body)) return problem(400, 'Bad Request', 'the body is no JSON object')
  const { model, messages, ...others } = body
  // This model takes none of the settings of a chat model.
  const [other] = Object.keys(others)
  if (other !== undefined)
    return problem(422, 'Unprocessable Entity', `Extra inputs are not permitted: ${other}`)
  if (typeof model !== 'string') return problem(422, 'Unprocessable Entity', 'Field required: model')
  if (model !== setting.model) {
    return problem(404, 'Not Found', "Function 'b0fcd392': Not found for account 'Xj3q'")
  }
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) {
    return problem(422, 'Unprocessable Entity', 'Input should be a list of messages with role and content')
  }
  const turns = messages.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'))
  if (!turns || messages.length % 2 !== 0) {
    return problem(400, 'Bad Request', 'Conversation roles must alternate user/assistant/user/assistant/...')
  }
  const [scores] = setting.score([spoken(messages)])
  const content = setting.heads.map((name, i) => `${name}:${scores[i]}`).join(',')
  const tokens = setting.heads.map((token, i) => ({ token, logprob: scores[i], top_logprobs: [] }))
  return {
    status: 200,
    body: {
      id: '3cd3fd74-20d1-48bd-b537-2f20d70923b1',
      choices: [
        {
          index: 0,
          message: [{ content, role: 'assistant' }],
          logprobs: { content: tokens },
          finish_reason: 'length',
        },
      ],
      usage: { completion_tokens: 1, prompt_tokens: 60, total_tokens: 61 },
    },
  }
}

function isMessage(value: unknown): value is Message {
  return (
    isObject(value) &&
    (value.role === 'user' || value.role === 'assistant') &&
    typeof value.content === 'string'
  )
}

function problem(status: number, title: string, detail: string): Reply {
  return { status, body: { status, title, detail }, headers: { 'content-type': 'application/problem+json' } }
}

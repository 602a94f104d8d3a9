import type { ErrorCode } from '../../src/errors.js'
import type { RewardServerOptions } from '../support/reward-server.js'

/** A server, and how `annotate` fails with it. Three conversations are sent: `first`, `second`, `third`. */
export interface ServerErrorCase {
  readonly code: ErrorCode
  /** What the server is like; null for none at all. */
  readonly server: RewardServerOptions | null
  readonly args?: readonly string[]
  readonly input?: string
  /** `SERVER` stands for the address. */
  readonly found: string
  readonly expected?: string
  /** The beginning of what to do. */
  readonly fix: string
  /** The line at which it stops; those before it come out. Default 1. */
  readonly line?: number
}

const isSecond = (texts: readonly string[]) => texts.some((text) => text.includes('second,'))

const HALF = String.raw`{"conversations": [{"from": "User", "value": "\ud83d"}, {"from": "A", "value": "a", "label": ""}], "mask": "User"}`

/** Errors that need a server. */
export const SERVER_ERRORS: readonly ServerErrorCase[] = [
  {
    code: 'SERVER_UNREACHABLE',
    server: null,
    args: ['--wait-ready', '200ms'],
    found: 'the server SERVER is not ready since 0.2 seconds: ECONNREFUSED',
    fix: 'Start the server, or correct its address, and run again; `wait-ready` says how long to wait.',
  },
  {
    code: 'SERVER_UNREACHABLE',
    server: { ready: false },
    args: ['--wait-ready', '200ms'],
    found: 'the server SERVER is not ready since 0.2 seconds: /v2/health/ready answers 400',
    fix: 'Start the server',
  },
  {
    code: 'SERVER_UNREACHABLE',
    server: { model: 'another' },
    args: ['--wait-ready', '200ms'],
    found:
      'the server SERVER is not ready since 0.2 seconds: /v2/models/reward_model/ready answers 400: Model version not ready',
    fix: 'Start the server',
  },
  {
    code: 'SERVER_WRONG',
    server: { heads: 5 },
    found: 'the server SERVER: it gives 5 scores for a text',
    expected:
      '9 scores: quality, toxicity, humor, creativity, helpfulness, correctness, coherence, complexity, verbosity',
    fix: 'Name the server’s own scores in their order with `heads`',
  },
  {
    code: 'SERVER_DENIED',
    server: { key: 'sk-0123456789' },
    found: 'the server SERVER answered 401: Unauthorized',
    fix: 'Put the key into the environment and name its variable with `api-key-env`.',
  },
  {
    code: 'SERVER_DENIED',
    server: {
      fault: ({ texts }) =>
        isSecond(texts) ? { status: 302, headers: { location: 'https://new/' }, body: '' } : undefined,
    },
    args: ['--max-in-flight', '1'],
    found: 'the server SERVER answered 302 to https://new/',
    fix: 'Use the address that it leads to.',
    line: 2,
  },
  {
    code: 'SERVER_REFUSED',
    server: {
      fault: ({ texts }) => (isSecond(texts) ? { status: 413, body: { error: 'too long' } } : undefined),
    },
    found: 'the server answers 413 to this text: too long',
    fix: 'Look at the record; a limit for long texts is `max-chars`.',
    line: 2,
  },
  {
    code: 'TEXT_TOO_LONG',
    server: {},
    args: ['--max-chars', '100'],
    found: 'the text up to turn 2 has 259 characters',
    expected: 'at most 100',
    fix: 'Use `on-long: cut-turns` or `on-long: skip`',
  },
  {
    code: 'NOT_SENDABLE',
    server: {},
    input: `${HALF}\n`,
    found: 'half of a surrogate pair in the text up to turn 2',
    expected: 'text that UTF-8 can spell',
    fix: 'Mend the record, or go on without it with `--on-error skip`.',
  },
]

/** What has its test elsewhere, since it takes time that must be made to run fast: `annotate-faults.test.ts`. */
export const TIMED_ERRORS: readonly ErrorCode[] = ['SERVER_FAILING', 'SCORES_UNUSABLE']

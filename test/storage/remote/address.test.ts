import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isRemote,
  readAddress,
  showHubAddress,
  withoutRevision,
} from '../../../src/storage/remote/address.js'

const ENDPOINT = 'https://hub.example'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

describe('an address on the hub', () => {
  test.each([
    ['hf://datasets/nvidia/HelpSteer2/train.jsonl.gz', 'nvidia/HelpSteer2', undefined, 'train.jsonl.gz'],
    [`hf://datasets/a/b@${COMMIT}/x/y.jsonl`, 'a/b', COMMIT, 'x/y.jsonl'],
    ['hf://datasets/a/b@v1.0/x', 'a/b', 'v1.0', 'x'],
    ['hf://datasets/a/b@refs/pr/12/x', 'a/b', 'refs/pr/12', 'x'],
    ['hf://datasets/a/b@refs/convert/parquet/d/x', 'a/b', 'refs/convert/parquet', 'd/x'],
    ['hf://datasets/a/b@refs%2Fpr%2F12/x', 'a/b', 'refs/pr/12', 'x'],
    ['hf://datasets/a/b@feature%2Fone/x', 'a/b', 'feature/one', 'x'],
    ['HF://datasets/a/b/x@2', 'a/b', undefined, 'x@2'],
    ['hf://datasets/a/b', 'a/b', undefined, ''],
    ['hf://datasets/a/b/', 'a/b', undefined, ''],
    ['hf://datasets/a/b@main', 'a/b', 'main', ''],
    [`${ENDPOINT}/datasets/a/b/resolve/main/d/x.jsonl?download=true`, 'a/b', 'main', 'd/x.jsonl'],
    [`${ENDPOINT}/datasets/a/b/blob/refs%2Fpr%2F1/x.jsonl`, 'a/b', 'refs/pr/1', 'x.jsonl'],
    [`${ENDPOINT}/datasets/a/b/raw/${COMMIT}/x%20y.jsonl`, 'a/b', COMMIT, 'x y.jsonl'],
  ])('%s', (text, repo, revision, path) => {
    expect(readAddress(text, ENDPOINT)).toEqual({ kind: 'hub', repo, revision, path })
  })

  test('is read as it was spelled', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,20}$/)
    const hub = fc.record({
      repo: fc.tuple(name, name).map((names) => names.join('/')),
      revision: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      path: fc.array(name, { maxLength: 3 }).map((names) => names.join('/')),
    })
    fc.assert(
      fc.property(hub, (address) => {
        const { repo, path } = address
        const text = showHubAddress(address)
        expect(readAddress(text, ENDPOINT)).toEqual({ kind: 'hub', ...address })
        expect(withoutRevision(text)).toBe(showHubAddress({ repo, path, revision: undefined }))
      }),
    )
  })
})

test.each([
  'https://example.com/a.jsonl?x=1',
  'http://127.0.0.1:1/datasets/a/b/resolve/main/x',
  `${ENDPOINT}/datasets/a/b`,
])('%s is on the web', (text) => {
  expect(readAddress(text, ENDPOINT)).toEqual({ kind: 'web', url: new URL(text) })
})

describe('no address', () => {
  test.each([
    ['hf://nvidia/HelpSteer2/x', 'does not begin with `hf://datasets/`'],
    ['hf://spaces/a/b/x', 'does not begin with `hf://datasets/`'],
    ['hf://datasets/squad', 'does not name a data set as OWNER/NAME'],
    ['hf://datasets/a/../x', 'does not name a data set as OWNER/NAME'],
    ['hf://datasets/a/b@', 'has no revision behind the `@`'],
    ['hf://datasets/a/b@%E0%A4%A/x', 'has a revision that cannot be read, "%E0%A4%A"'],
    ['hf://datasets/a/b/../../x', 'has a folder in its path that cannot be one'],
    ['hf://datasets/a/b//x', 'has a folder in its path that cannot be one'],
    ['s3://bucket/x', 'is an address of a kind that steerpipe does not open (s3://)'],
    ['https://', 'is no address'],
  ])('%s', (text, found) => {
    expect(() => readAddress(text, ENDPOINT)).toThrow(`${text} ${found}`)
    expect(() => readAddress(text, ENDPOINT)).toThrow('[BAD_ADDRESS]')
  })

  test('with a password, which is not shown', () => {
    const read = () => readAddress('https://me:secret@example.com/x', ENDPOINT)
    expect(read).toThrow('https://example.com/x was given with a name or a password in it')
    expect(read).not.toThrow('secret')
  })
})

test.each([
  ['a.jsonl', false],
  ['-', false],
  ['./hf://x', false],
  ['C:\\a', false],
  ['s3://x', true],
  ['HTTPS://x', true],
])('%s is elsewhere: %s', (path, expected) => expect(isRemote(path)).toBe(expected))

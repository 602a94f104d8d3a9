import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { hubSettings } from '../../../src/storage/remote/hub-settings.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-hub-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('what holds where nothing is said', () => {
  const { endpoint, cache, isOffline } = hubSettings({})
  expect({ endpoint, cache, isOffline }).toEqual({
    endpoint: 'https://huggingface.co',
    cache: join(homedir(), '.cache', 'huggingface', 'hub'),
    isOffline: false,
  })
})

describe('the cache', () => {
  test.each([
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '~/h' }, join(homedir(), 'h', 'hub')],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/c' }, '/c'],
  ])('%o', (env, cache) => expect(hubSettings(env).cache).toBe(cache))
})

describe('the endpoint', () => {
  test('may end with a slash', () => {
    expect(hubSettings({ HF_ENDPOINT: 'http://127.0.0.1:1/' }).endpoint).toBe('http://127.0.0.1:1')
  })

  test.each(['hub.example', 'ftp://x', 'https://'])('%s is none', (endpoint) => {
    expect(() => hubSettings({ HF_ENDPOINT: endpoint })).toThrow('[BAD_ADDRESS]')
  })
})

test.each([
  ['1', true],
  ['TRUE', true],
  ['yes', true],
  ['On', true],
  ['0', false],
  ['', false],
  ['no', false],
])('HF_HUB_OFFLINE=%s: %s', (value, isOffline) => {
  expect(hubSettings({ HF_HUB_OFFLINE: value }).isOffline).toBe(isOffline)
})

describe('the token', () => {
  const file = join(folder, 'token')
  writeFileSync(file, 'hf_fromFile\n')
  const HERE = { HF_HOME: folder }

  test.each([
    [{ ...HERE }, 'hf_fromFile'],
    [{ HF_HOME: '/nowhere', HF_TOKEN_PATH: file }, 'hf_fromFile'],
    [{ ...HERE, HF_TOKEN: ' hf_a ' }, 'hf_a'],
    [{ ...HERE, HUGGING_FACE_HUB_TOKEN: 'hf_old' }, 'hf_old'],
    [{ ...HERE, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }, undefined],
    [{ ...HERE, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1', HF_TOKEN: 'hf_a' }, 'hf_a'],
    [{ HF_HOME: '/nowhere' }, undefined],
  ])('%o', (env, token) => expect(hubSettings(env).token).toBe(token))

  test.each(['secret', 'hf_', 'hf_sec\nret', 'hf_séc'])('%j is none, and is not shown', (token) => {
    let said = ''
    try {
      hubSettings({ HF_TOKEN: token })
    } catch (error) {
      said = String(error)
    }
    expect(said).toContain('the token in HF_TOKEN is none')
    expect(said).toContain('[HUB_DENIED]')
    expect(said).not.toMatch(/s[eé]c/)
  })
})

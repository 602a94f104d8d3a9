import { describe, expect, test } from 'vitest'
import type { ServerResponse } from '../../src/reward/protocol.js'
import { failureName, faultIn, saidIn, statusVerdict } from '../../src/reward/verdict.js'
import { retryAfter } from '../../src/storage/remote/retry-after.js'

const answer = (status: number, headers: Record<string, string> = {}, body = ''): ServerResponse => ({
  status,
  headers,
  body: Buffer.from(body),
})

const NOW = Date.parse('2026-11-23T12:00:00Z')

describe('a status', () => {
  test.each([408, 425, 429, 502, 503, 504, 204])('%i is worth another try', (status) => {
    expect(statusVerdict(answer(status)).kind).toBe('again')
  })
  test.each([408, 429, 503, 504])('%i says that there is too much to do', (status) => {
    expect(statusVerdict(answer(status)).shed).toBe(true)
  })
  test.each([425, 500, 502])('%i does not', (status) => {
    expect(statusVerdict(answer(status)).shed).toBe(false)
  })
  test.each([400, 404, 500, 501])('%i may be the fault of the text', (status) => {
    expect(statusVerdict(answer(status))).toMatchObject({ kind: 'blame', final: false })
  })
  test.each([413, 422])('%i of a single text is its fault', (status) => {
    expect(statusVerdict(answer(status))).toMatchObject({ kind: 'blame', final: true })
  })
  test.each([301, 302, 307, 308, 401, 402, 403, 407, 410])('%i ends the run', (status) => {
    expect(statusVerdict(answer(status)).kind).toBe('stop')
  })
})

describe('Retry-After', () => {
  test.each([
    ['2', 2000],
    [' 0.5 ', 500],
    ['0', 0],
    ['Mon, 23 Nov 2026 12:00:05 GMT', 5000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %o is %o ms', (value, milliseconds) => {
    expect(retryAfter(value, NOW)).toBe(milliseconds)
  })

  test('is looked at', () => {
    expect(statusVerdict(answer(503, { 'retry-after': '3' }), NOW).wait).toBe(3000)
  })
})

describe('what an error says', () => {
  test.each([
    ['{"error":"queue full"}', 'queue full'],
    ['{"detail":"Not Found"}', 'Not Found'],
    ['{"error":{"message":"no such model","type":"x"}}', 'no such model'],
    ['{"message":"m"}', 'm'],
    ['{"other":1}', '{"other":1}'],
    ['<html>\n <b>Bad\tGateway</b></html>', '<html> <b>Bad Gateway</b></html>'],
    ['', ''],
    ['x'.repeat(5000), `${'x'.repeat(199)}…`],
  ])('in %j is %j', (body, said) => {
    expect(saidIn(answer(500, {}, body))).toBe(said)
  })

  test('is the code of a failure, of the first address where there are several', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:80'), { code: 'ECONNREFUSED' })
    expect(failureName(refused)).toBe('ECONNREFUSED')
    expect(failureName(new AggregateError([refused, new Error('other')]))).toBe('ECONNREFUSED')
    expect(failureName(Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }))).toBe('connection closed')
    expect(failureName(new Error('first\nsecond'))).toBe('first')
  })
})

describe('scores', () => {
  const heads = ['a', 'b']
  test.each([
    [{ values: [1, 2] }, undefined],
    [{ values: [1] }, 'wrong width'],
    [{ values: [1, 2, 3] }, 'wrong width'],
    [{ values: [1, Number.NaN] }, 'not finite'],
    [{ values: [Number.POSITIVE_INFINITY, 1] }, 'not finite'],
    [{ values: [1, 2, Number.NaN], names: ['b', 'a', 'other'] }, undefined],
    [{ values: [1, Number.NaN], names: ['b', 'a'] }, 'not finite'],
    [{ values: [1, 2], names: ['b', 'c'] }, 'wrong names'],
  ])('%o: %o', (scores, cause) => {
    expect(faultIn(scores, heads)?.cause).toBe(cause)
  })
})

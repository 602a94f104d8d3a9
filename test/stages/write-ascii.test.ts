import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse, write } from '../../src/index.js'
import { asciiLine } from '../../src/records/ascii.js'
import { collector, file } from './support.js'

const ascii = (json: string): string => asciiLine(Buffer.from(json).toString('latin1'))

/** What Python does with a text, the slow way. */
function pythonText(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const short = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' }[code]
    if (short !== undefined) out += `\\${short}`
    else if (code < 0x20 || code > 0x7e) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += text[i]
  }
  return `"${out}"`
}

/** Any UTF-16, halves of surrogate pairs among it. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
)

describe('a text', () => {
  test.each([
    ['plain ~', '"plain ~"'],
    ['é', '"\\u00e9"'],
    ['😀', '"\\ud83d\\ude00"'],
    ['\x7f\u2028\u2029', '"\\u007f\\u2028\\u2029"'],
    ['\u0000\b\t\n\f\r"\\/', '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/"'],
  ])('%j', (text, expected) => {
    expect(ascii(JSON.stringify(text))).toBe(expected)
  })

  test('in an odd spelling', () => {
    expect(ascii(String.raw`{"\u0041\/":"\u00E9\uD83D\uDE00\u0022\ud83d","é" : [1.50 ,"\\u00e9"]}`)).toBe(
      String.raw`{"A/":"\u00e9\ud83d\ude00\"\ud83d","\u00e9" : [1.50 ,"\\u00e9"]}`,
    )
  })

  test('is spelled as Python spells it, whatever it is', () => {
    fc.assert(
      fc.property(anyText, anyText, (key, text) => {
        const json = JSON.stringify({ [key]: text })
        expect(ascii(json)).toBe(`{${pythonText(key)}:${pythonText(text)}}`)
      }),
      { numRuns: 500 },
    )
  })

  const hasPython = spawnSync('python3', ['--version']).status === 0
  test.skipIf(!hasPython)(
    `is what python3 writes${hasPython ? '' : ' (skipped: there is no python3)'}`,
    () => {
      const texts = fc.sample(anyText, { numRuns: 300, seed: 5 })
      const script = 'import json, sys\nfor line in sys.stdin: print(json.dumps(json.loads(line)))'
      const input = texts.map((text) => `${JSON.stringify(text)}\n`).join('')
      const { stdout } = spawnSync('python3', ['-c', script], { input })
      expect(texts.map((text) => ascii(JSON.stringify(text)))).toEqual(
        stdout.toString().split('\n').slice(0, -1),
      )
    },
  )
})

test('all but texts keeps its spelling', () => {
  const line = '{ "a":1e5 ,\t"b" : [ -0.0,true ] }'
  expect(ascii(line)).toBe(line)
  expect(ascii(`${line.slice(0, -1)}, "é":null }`)).toBe(`${line.slice(0, -1)}, "\\u00e9":null }`)
})

test('`write` does so when it is told', async () => {
  const chunks: Buffer[] = []
  const line = '{"a":"é",  "b":2.50}'
  await pipeline([Readable.from([file([line])]), parse(), write({ ascii: true }), collector(chunks)])
  expect(Buffer.concat(chunks).toString()).toBe('{"a":"\\u00e9",  "b":2.50}\n')
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pythonFloat, spelledNumber } from '../../src/records/numbers.js'
import { needsPython, pythonLines } from '../support/python.js'

describe('spelledNumber', () => {
  test.each([
    ['3', 3],
    ['-3', -3],
    ['+3', 3],
    ['003', 3],
    ['3.', 3],
    ['.5', 0.5],
    ['-.5e1', -5],
    ['1e3', 1000],
    ['1E+03', 1000],
    [' 3 ', 3],
    ['\t\n\v\f\r3.25\r\n', 3.25],
    ['-0', -0],
    ['1e-400', 0],
  ])('%j is %d', (text, value) => {
    expect(spelledNumber(text)).toBe(value)
  })

  test.each([
    ...[
      '',
      ' ',
      '.',
      '-',
      '+',
      'e5',
      '1e',
      '1e+',
      '.e1',
      '--1',
      '+-1',
      '1 2',
      '1,5',
      '3-',
      '1.2.3',
      '1e1.5',
      '1e5e5',
    ],
    ...[
      'nan',
      'NaN',
      'inf',
      '-inf',
      'Infinity',
      '-Infinity',
      '1_0',
      '0x10',
      '0b1',
      '1n',
      '1f',
      'three',
      'null',
      'true',
    ],
    ...[
      '1e400',
      '-1e400',
      '9'.repeat(400),
      '\u00a03',
      '3\u2003',
      '\ufeff3',
      '٣',
      '３',
      '½',
      '3\0',
      '3\u001c',
    ],
  ])('%j is none', (text) => {
    expect(spelledNumber(text)).toBeUndefined()
  })

  test('takes what float() of Python takes, less names and underscores', (context) => {
    needsPython(context)
    const part = fc.constantFrom(
      '0',
      '1',
      '7',
      '12',
      '.',
      '-',
      '+',
      'e',
      'E',
      ' ',
      '\t',
      '_',
      'x',
      '',
      '3.5',
      'e-7',
    )
    const texts = fc.sample(
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
      5000,
    )
    const script = `
for text in json.load(sys.stdin):
    try: print(repr(float(text)) if '_' not in text else 'none')
    except ValueError: print('none')`
    const found = texts.map((text) => {
      const value = spelledNumber(text)
      return value === undefined ? 'none' : pythonFloat(value)
    })
    const taken = pythonLines(script, JSON.stringify(texts)).map((line) => (/inf/.test(line) ? 'none' : line))
    expect(found).toEqual(taken)
  })

  test('a long text that is no number is refused at once', () => {
    const start = performance.now()
    for (const text of ['1'.repeat(1e6), `1.${'1'.repeat(1e6)}`, ' '.repeat(1e6), `1${' '.repeat(1e6)}`]) {
      expect(spelledNumber(`${text}x`)).toBeUndefined()
    }
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

/**
 * Inputs whose sources are interleaved: what a definition says, and what comes out.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { explainFile } from '../../src/pipeline/check.js'
import { explainPipeline } from '../../src/pipeline/explain.js'
import {
  counts,
  filesBelow,
  lint,
  lintErrors,
  prepare,
  prompts,
  put,
  rows,
  run,
  settings,
  textOf,
  useWorkFolder,
} from './support.js'

useWorkFolder()
beforeEach(() => put({ 'a.jsonl': rows(1, 6), 'b.jsonl': rows(11, 18), 'c.jsonl': rows(21, 22) }))

const over = (input: string, stages = 'write: out.jsonl'): string =>
  `name: x\ninputs:\n  all: ${input}\nstages: [${stages}]\noverwrite: true\n`
const TWO = '{ from: [a.jsonl, { from: b.jsonl, weight: 3 }], order: interleave }'

/** The numbers of a file's prompts. */
const numbers = (path = 'out.jsonl'): number[] => prompts(path).map((prompt) => Number(prompt.slice(1)))

/** Numbers from one to another. */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('a run', () => {
  test('mixes the sources, each in its own order, the same way each time', async () => {
    const report = await run(over(TWO))
    const order = numbers()
    expect(order.filter((n) => n < 10)).toEqual(range(1, 6))
    expect(order.filter((n) => n > 10)).toEqual(range(11, 18))
    expect(order).not.toEqual([...range(1, 6), ...range(11, 18)])
    expect(counts(report)).toEqual(['parse 14 14', 'write 14 14'])
    expect(report.inputs[0].files).toEqual(['a.jsonl', 'b.jsonl'])
    await run(over(TWO))
    expect(numbers()).toEqual(order)
    await run(over(TWO.replace('interleave', 'interleave, seed: 10')))
    expect(numbers()).toEqual(order)
    await run(over(TWO.replace('interleave', 'interleave, seed: 11')))
    expect(numbers()).not.toEqual(order)
    await run(over(TWO.replace('weight: 3', 'weight: 1')))
    expect(numbers()).not.toEqual(order)
  })

  test('without an order, and with `concat`, has one source after the other', async () => {
    for (const input of ['{ from: [b.jsonl, a.jsonl] }', '{ from: [b.jsonl, a.jsonl], order: concat }']) {
      await run(over(input))
      expect(numbers()).toEqual([...range(11, 18), ...range(1, 6)])
    }
  })

  test('the files of a pattern are one source', async () => {
    await run(over('{ from: ["[ac].jsonl", b.jsonl], order: interleave }'))
    expect(numbers().filter((n) => n < 10 || n > 20)).toEqual([...range(1, 6), 21, 22])
  })

  test('one source alone is that source', async () => {
    await run(over('{ from: [a.jsonl], order: interleave }'))
    expect(numbers()).toEqual(range(1, 6))
  })

  test('each source goes through its own stages first, and pairs are not torn', async () => {
    const report = await run(
      over(
        '{ from: [{ from: a.jsonl, stages: [parse: { group: 2 }, template: helpsteer2, write: own.jsonl] }, { from: b.jsonl, stages: [parse: { group: 2 }, template: helpsteer2, limit: 6] }, { from: c.jsonl, stages: [template: helpsteer2] }], order: interleave, stages: [label-format] }',
        'repeat: 2, write: out.jsonl',
      ),
    )
    const order = numbers()
    expect(order).toHaveLength(2 * 14)
    for (let at = 0; at < order.length; at += 2) {
      if (order[at] > 20) expect(order[at + 1]).toBe(order[at])
      else {
        expect(order[at + 1]).toBe(order[at] + 1)
        expect(order[at] % 2).toBe(1)
        // The whole pair comes twice.
        expect(order[at + 2] === order[at] || order[at - 2] === order[at]).toBe(true)
      }
    }
    expect(numbers('own.jsonl')).toEqual(range(1, 6))
    expect(textOf('out.jsonl')).toContain('"label": "helpfulness:')
    expect(counts(report)).toEqual([
      'parse 16 16',
      'template 6 6',
      'write 6 6',
      'template 8 8',
      'limit 8 6',
      'template 2 2',
      'label-format 14 14',
      'repeat 14 28',
      'write 28 28',
    ])
  })

  test('--limit takes the first of what is mixed', async () => {
    await run(over(TWO))
    const all = numbers()
    for (const limit of [1, 5, 14, 100]) {
      await run(over(TWO), { limit })
      expect(numbers()).toEqual(all.slice(0, limit))
    }
    const pairs = '{ from: [{ from: a.jsonl, stages: [parse: { group: 2 }] }, c.jsonl], order: interleave }'
    await run(over(pairs))
    const mixed = numbers()
    for (let limit = 1; limit <= 8; limit++) {
      await run(over(pairs), { limit })
      const taken = numbers()
      expect(taken).toEqual(mixed.slice(0, taken.length))
      expect(taken.filter((n) => n < 10).length % 2).toBe(0)
      expect(taken.length - limit).toBeLessThanOrEqual(1)
      expect(taken.length).toBeGreaterThanOrEqual(limit)
    }
  })

  test('what a source’s shuffle knows of its length is not taken for that of all', async () => {
    put({ 'a.jsonl': rows(1, 30), 'b.jsonl': rows(101, 110) })
    const from = ['a', 'b'].map((name) => `{ from: ${name}.jsonl, stages: [shuffle] }`)
    for (const order of ['concat', 'interleave']) {
      await run(
        over(
          `{ from: [${from}], order: ${order} }`,
          'split: { parts: { x: 0.5, y: 0.5 } }, write: "${part}.jsonl"',
        ),
      )
      expect([numbers('x.jsonl').length, numbers('y.jsonl').length]).toEqual([20, 20])
    }
  })

  test('over many sources of many batches', async () => {
    put(Object.fromEntries(range(1, 20).map((n) => [`d/${n}.jsonl`, rows(n * 10_000, n * 10_000 + 4999)])))
    const from = range(1, 20).map((n) => `{ from: d/${n}.jsonl, stages: [template: helpsteer2] }`)
    await run(over(`{ from: [${from}], order: interleave }`))
    const order = numbers()
    expect(order.toSorted((a, b) => a - b)).toEqual(
      range(1, 20).flatMap((n) => range(n * 10_000, n * 10_000 + 4999)),
    )
  })

  test('what stands before a bad record in the order is kept', async () => {
    await run(over(TWO))
    const all = numbers()
    put({ 'b.jsonl': `${rows(11, 15)}bad\n${rows(16, 18)}` })
    await expect(run(over(TWO).replace('out.jsonl', 'bad.jsonl'))).rejects.toMatchObject({
      code: 'JSON_SYNTAX',
      place: { input: 'b.jsonl', line: 6 },
    })
    expect(numbers('bad.jsonl.partial')).toEqual(all.slice(0, all.indexOf(15) + 1))
    const report = await run(over(TWO), { onError: 'skip' })
    expect(numbers()).toEqual(all)
    expect([...report.inputs[0].stages[0].counters.leftOut]).toEqual([['JSON_SYNTAX', 1]])
  })

  test('a source whose stages hold all of it is let go when the run fails, or is ended', async () => {
    put({ 'a.jsonl': rows(1, 50_000), 'c.jsonl': 'bad\n', 'spill/keep': '' })
    const text = over(
      '{ from: [{ from: a.jsonl, stages: [shuffle: { folder: spill }] }, c.jsonl], order: interleave }',
    )
    await expect(run(text)).rejects.toMatchObject({ code: 'JSON_SYNTAX' })
    await expect.poll(() => filesBelow('spill')).toEqual(['spill/keep'])
    const controller = new AbortController()
    const seen: string[][] = []
    const ended = run(text, {
      signal: controller.signal,
      onProgress: () => {
        seen.push(filesBelow('spill'))
        controller.abort()
      },
    })
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen).toHaveLength(1)
    await expect.poll(() => filesBelow('spill')).toEqual(['spill/keep'])
  })
})

describe('lint', () => {
  test.each<[string, string[]]>([
    [TWO, []],
    ['{ from: [a.jsonl, b.jsonl], order: interleave, seed: -3, stages: [label-format] }', []],
    [
      '{ from: [a.jsonl, b.jsonl], order: interleaved }',
      ['3:43 DEFINITION_INVALID `inputs.all.order` is "interleaved" (did you mean `interleave`?)'],
    ],
    [
      '{ from: [a.jsonl], order: interleave, seed: 1.5 }',
      ['3:52 DEFINITION_INVALID `inputs.all.seed` is 1.5'],
    ],
    [
      '{ from: [{ from: a.jsonl, weight: 0 }], order: interleave }',
      ['3:42 DEFINITION_INVALID `inputs.all.from.0.weight`: too small: expected number to be >0'],
    ],
    [
      '{ from: [{ from: a.jsonl, weight: x }], order: interleave }',
      ['3:42 DEFINITION_INVALID `inputs.all.from.0.weight` is "x"'],
    ],
    [
      '{ from: [a.jsonl, { from: b.jsonl, weight: 2 }] }',
      ['3:43 DEFINITION_INVALID `weight` does nothing without `order: interleave`'],
    ],
    [
      '[a.jsonl, { from: b.jsonl, weight: 2 }]',
      ['3:35 DEFINITION_INVALID `weight` does nothing without `order: interleave`'],
    ],
    [
      '{ from: [{ from: b.jsonl, weight: 2 }], order: concat, seed: 3 }',
      [
        '3:34 DEFINITION_INVALID `weight` does nothing without `order: interleave`',
        '3:63 DEFINITION_INVALID `seed` does nothing without `order: interleave`',
      ],
    ],
    [
      '{ from: "?.jsonl", order: interleave, seed: 3 }',
      ['3:27 DEFINITION_INVALID `order` is for a list of sources, and this input is one'],
    ],
    [
      '{ from: a.jsonl, seed: 3 }',
      ['3:25 DEFINITION_INVALID `seed` does nothing without `order: interleave`'],
    ],
  ])('%s', async (input, expected) => {
    expect(await lint(over(input))).toEqual(expected)
  })

  test('groups that are bound only behind it are refused', async () => {
    const behind = 'template: { dataset: helpsteer2, group: 2 }'
    expect(await lint(over(TWO, `${behind}, write: out.jsonl`))).toEqual([
      '4:50 DEFINITION_INVALID `group` of `template` comes after the interleaving, which mixes records that are not bound yet',
    ])
    expect(await lint(over(TWO.replace('}', `}`).replace(/ }$/, `, stages: [${behind}] }`)))).toHaveLength(1)
    expect(await lint(over('[a.jsonl, b.jsonl]', `${behind}, write: out.jsonl`))).toEqual([])
    expect(await lint(over(TWO, `parse: { group: 2 }, template: helpsteer2, write: out.jsonl`))).toEqual([])
    const [error] = await lintErrors(over(TWO, `${behind}, write: out.jsonl`))
    expect(error.fix).toBe('Put `group` on `parse`, or the stage among those of each source.')
  })

  test('vars may give the weights, the order and the seed', async () => {
    const text = over(
      '{ from: [a.jsonl, { from: b.jsonl, weight: "${w}" }], order: "${o}", seed: "${s}" }',
    ).replace('name: x', 'name: x\nvars: { w: 2.5, o: interleave, s: 4 }')
    const { inputs } = await prepare(text, { set: { w: '0.5', s: '7' } })
    expect(inputs[0].interleave).toEqual({ seed: 7 })
    expect(inputs[0].sources.map(({ weight }) => weight)).toEqual([undefined, 0.5])
  })

  test('one path may be given in the place of all', async () => {
    const { inputs } = await prepare(over(TWO), { inputs: { all: 'c.jsonl' } })
    expect(inputs[0].sources.map(({ from }) => from)).toEqual(['c.jsonl'])
  })
})

test('explain tells the order, the seed and the weights', async () => {
  put({ 'p.yaml': over(TWO) })
  const { pipeline, inputs } = await explainFile('p.yaml', settings())
  expect(await explainPipeline(pipeline, inputs)).toContain(
    '  all: interleaved, seed 10\n    a.jsonl  (weight 1)\n    b.jsonl  (weight 3)\n',
  )
})

test('explain does not ask for the memory of a stage whose options are not known yet', async () => {
  put({
    'p.yaml': `name: x\nvars: { a: null }\ninputs: a.jsonl\nstages: [shuffle: { algorithm: "\${a}" }, write: o]\n`,
  })
  const { pipeline, inputs } = await explainFile('p.yaml', settings())
  expect(await explainPipeline(pipeline, inputs)).toMatch(/shuffle .* memory: not known yet, order changed\n/)
})

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, shell, steerpipe } from '../support/command.js'

const folder = new Folder()
const rows = lines({ a: 1 }, { a: 'ü' })
const quiet = { status: 0, stdout: '', stderr: '' }

describe('where a filter writes', () => {
  test('-o makes the file, its folders too, and nothing beside it', () => {
    const cwd = folder.fresh()
    expect(steerpipe(['parse', '-o', 'new/er/out.jsonl'], { cwd, input: rows })).toMatchObject(quiet)
    expect(names(join(cwd, 'new/er'))).toEqual(['out.jsonl'])
    expect(read(cwd, 'new/er/out.jsonl')).toBe(rows)
  })

  test('.gz compresses', () => {
    const cwd = folder.fresh()
    expect(steerpipe(['write', '-o', 'x.gz'], { cwd, input: rows })).toMatchObject(quiet)
    const bytes = readFileSync(join(cwd, 'x.gz'))
    expect([bytes[0], bytes[1]]).toEqual([0x1f, 0x8b])
    expect(gunzipSync(bytes).toString('utf8')).toBe(rows)
    expect(steerpipe(['parse', 'x.gz'], { cwd }).stdout).toBe(rows)
  })

  test('a large file goes through gzip whole', () => {
    const cwd = folder.fresh()
    const many = lines(...Array.from({ length: 40_000 }, (_, id) => ({ id, text: `record ${id * 7919}` })))
    put(cwd, { 'many.gz': gzipSync(many) })
    expect(steerpipe(['parse', 'many.gz', '-o', 'out.gz'], { cwd })).toMatchObject(quiet)
    expect(gunzipSync(readFileSync(join(cwd, 'out.gz'))).toString('utf8')).toBe(many)
  })

  test('${part} gives each part its file, also if it is empty', () => {
    const cwd = folder.fresh()
    const row = (split: string, n: number) => ({
      split,
      prompt: `p${n}`,
      response_1: 'one',
      response_2: 'two',
      preference_strength: n,
    })
    const args = ['template', '--dataset', 'helpsteer2-preference', '-o', 'pairs-${part}.jsonl']
    const input = lines(row('train', 2), row('train', -1))
    expect(steerpipe(args, { cwd, input })).toMatchObject(quiet)
    expect(names(cwd)).toEqual(['pairs-train.jsonl', 'pairs-val.jsonl'])
    expect(read(cwd, 'pairs-val.jsonl')).toBe('')
    const pairs = read(cwd, 'pairs-train.jsonl').trim().split('\n')
    expect(pairs.map((line) => JSON.parse(line).conversations[1])).toEqual([
      { value: 'one', from: 'Assistant', scores: { quality: 2 } },
      { value: 'two', from: 'Assistant', scores: { quality: 2 } },
      { value: 'one', from: 'Assistant', scores: { quality: -1 } },
      { value: 'two', from: 'Assistant', scores: { quality: -1 } },
    ])
    const mixed = lines(row('validation', 1), row('train', 3))
    const forced = steerpipe([...args, '--force'], { cwd, input: mixed })
    expect(forced).toMatchObject(quiet)
    expect(read(cwd, 'pairs-train.jsonl')).toContain('"quality": 3')
    expect(read(cwd, 'pairs-val.jsonl').split('\n').length).toBe(3)
    const nothing = steerpipe([...args, '--force'], { cwd, input: '' })
    expect(nothing).toMatchObject(quiet)
    expect(read(cwd, 'pairs-train.jsonl') + read(cwd, 'pairs-val.jsonl')).toBe('')
  })

  test.each([
    ['parse', []],
    ['template', ['--dataset', 'helpsteer2']],
    ['label-format', []],
    ['regression-expand', []],
    ['write', []],
  ])('empty input of %s gives empty outputs', (stage, flags) => {
    const cwd = folder.fresh()
    expect(steerpipe([stage, ...flags], { cwd, input: '' })).toMatchObject(quiet)
    put(cwd, { 'blank.jsonl': '\ufeff\r\n \n', 'empty.gz': gzipSync('') })
    expect(steerpipe([stage, ...flags, 'blank.jsonl', 'empty.gz', '-o', 'out'], { cwd })).toMatchObject(quiet)
    expect(read(cwd, 'out')).toBe('')
    expect(names(cwd)).toEqual(['blank.jsonl', 'empty.gz', 'out'])
  })

  test('an output that is there is not replaced without --force, nor is anything read', () => {
    const cwd = folder.fresh()
    put(cwd, { out: 'mine' })
    const refused = steerpipe(['parse', '-o', 'out'], { cwd, input: 'not even JSON' })
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('error: out: this output is there already [OUTPUT_EXISTS]\n')
    expect(read(cwd, 'out')).toBe('mine')
    expect(steerpipe(['parse', '-o', 'out', '--force'], { cwd, input: rows })).toMatchObject(quiet)
    expect(read(cwd, 'out')).toBe(rows)
  })
})

describe.skipIf(process.platform === 'win32')('what is no plain file', () => {
  test('/dev/null takes everything, and /dev/stdout is stdout', () => {
    const cwd = folder.fresh()
    expect(steerpipe(['parse', '-o', '/dev/null'], { cwd, input: rows })).toMatchObject(quiet)
    expect(existsSync('/dev/null.partial')).toBe(false)
    put(cwd, { 'rows.jsonl': rows })
    const result = shell('steerpipe parse rows.jsonl -o /dev/stdout > out.jsonl', cwd)
    expect(result).toMatchObject(quiet)
    expect(read(cwd, 'out.jsonl')).toBe(rows)
  })

  test('a FIFO is read, and written', () => {
    const cwd = folder.fresh()
    const script = `mkfifo in out
cat > result < out &
steerpipe parse in -o out & reader=$!
printf '{"a":1}\\n' > in
wait $reader && wait`
    expect(shell(script, cwd)).toMatchObject(quiet)
    expect(read(cwd, 'result')).toBe('{"a":1}\n')
    expect(names(cwd)).toEqual(['in', 'out', 'result'])
  })

  test('a FIFO that is opened late, and carries much', () => {
    const cwd = folder.fresh()
    const many = lines(...Array.from({ length: 30_000 }, (_, id) => ({ id, text: 'x'.repeat(20) })))
    put(cwd, { 'many.jsonl': many, 'many.gz': gzipSync(many) })
    const script = `mkfifo in out
steerpipe parse in -o out & reader=$!
sleep 0.3
cat many.gz > in &
sleep 0.3
cat out > result
wait $reader && wait`
    expect(shell(script, cwd)).toMatchObject(quiet)
    expect(read(cwd, 'result')).toBe(many)
  })

  test('process substitution', () => {
    const cwd = folder.fresh()
    put(cwd, { 'a.gz': gzipSync(lines({ a: 1 })), 'b.gz': gzipSync(lines({ a: 2 })) })
    const result = shell('steerpipe parse <(zcat a.gz) <(zcat b.gz) -o >(cat > result); sleep 0.2', cwd)
    expect(result).toMatchObject(quiet)
    expect(read(cwd, 'result')).toBe(lines({ a: 1 }, { a: 2 }))
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk is told', () => {
    const cwd = folder.fresh()
    put(cwd, { 'rows.jsonl': rows })
    for (const command of [
      'steerpipe parse rows.jsonl -o /dev/full',
      'steerpipe parse rows.jsonl > /dev/full',
    ]) {
      const { status, stderr } = shell(command, cwd)
      expect(status).toBe(1)
      expect(stderr).toMatch(
        /^error: (\/dev\/full|stdout), write: writing failed: no space left.* \[WRITE_FAILED\]\n {2}do: /,
      )
    }
    expect(shell('steerpipe schema > /dev/full', cwd).status).toBe(1)
  })

  test('a disk that fills up leaves whole lines, and of a gzip file nothing that cannot be read', () => {
    const cwd = folder.fresh()
    mkdirSync(join(cwd, 'out'))
    const many = lines(
      ...Array.from({ length: 20_000 }, (_, id) => ({ id, text: Math.sin(id).toString(36).repeat(3) })),
    )
    put(cwd, { 'many.jsonl': many })
    // Files of more than 512 KiB cannot be written by these.
    const plain = shell('ulimit -f 512; steerpipe parse many.jsonl -o out/x.jsonl', cwd)
    expect(plain.status).toBe(1)
    expect(plain.stderr).toMatch(
      /what came before the error is kept in out\/x\.jsonl\.partial\n.*\[WRITE_FAILED\]/,
    )
    const kept = read(cwd, 'out/x.jsonl.partial')
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.endsWith('\n')).toBe(true)
    expect(many.startsWith(kept)).toBe(true)
    const packed = shell('ulimit -f 64; steerpipe parse many.jsonl -o out/x.jsonl.gz', cwd)
    expect(packed.status).toBe(1)
    expect(packed.stderr).toContain('[WRITE_FAILED]')
    expect(names(join(cwd, 'out'))).toEqual(['x.jsonl.partial'])
  })
})

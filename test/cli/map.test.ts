/**
 * What a user's module does to the process around it: it prints, it ends it.
 */
import { expect, test } from 'vitest'
import { Folder, lines, put, steerpipe } from '../support/command.js'

const folder = new Folder()

test('what a module prints does not get between the records', () => {
  const cwd = folder.fresh()
  put(cwd, { 'm.mjs': 'export default (r) => { console.log("hi"); console.info("there"); return r }\n' })
  const input = lines({ a: 1 }, { a: 2 })
  const { status, stdout, stderr } = steerpipe(['map', '--module', 'm.mjs'], { cwd, input })
  expect({ status, stdout }).toEqual({ status: 0, stdout: input })
  expect(stderr).toBe('hi\nthere\nhi\nthere\n')
})

test('a module that ends the process does not end it well', () => {
  const cwd = folder.fresh()
  put(cwd, { 'm.mjs': 'export default () => process.exit(0)\n' })
  const { status, stdout, stderr } = steerpipe(['map', '--module', 'm.mjs'], { cwd, input: lines({ a: 1 }) })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('the process was ended in the middle of the run')
})

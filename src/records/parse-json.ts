/**
 * JSON.parse, right also where V8's is not: in Node 24 and 26 (nodejs/node#63785) it takes an escaped key for another
 * one, when an object was read before whose key holds a backslash at that place. After `{"a":[],"\\":0}` the second
 * key of `{"a":1,"\n":2}` is read as a backslash.
 *
 * @param text legal JSON
 */
export function parseJson(text: string): unknown {
  return IS_BENT && hasEscapedKey(text) ? parseSlowly(text) : JSON.parse(text)
}

const IS_BENT = isBent()

function isBent(): boolean {
  JSON.parse('{"a":[],"\\\\":0}')
  const [, key] = Object.keys(JSON.parse('{"a":1,"\\n":2}') as object)
  return key !== '\n'
}

function hasEscapedKey(text: string): boolean {
  if (!text.includes('\\')) return false
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = stringEnd(text, start)
    const backslash = text.indexOf('\\', start)
    if (backslash < 0) return false
    if (backslash < end && text[skipSpace(text, end)] === ':') return true
    start = text.indexOf('"', end)
  }
  return false
}

/** Where a string ends that begins at `start`: after its closing quote. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1)
  for (;;) {
    let before = quote
    while (text[before - 1] === '\\') before--
    if ((quote - before) % 2 === 0) return quote + 1
    quote = text.indexOf('"', quote + 1)
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

type Container = unknown[] | Record<string, unknown>

/** Builds what the text says, and has JSON.parse read only what has no keys. Nesting is bounded by memory alone. */
function parseSlowly(text: string): unknown {
  const root: unknown[] = []
  const open: Container[] = [root]
  let key = ''
  const put = (value: unknown): void => {
    const into = open[open.length - 1]
    if (Array.isArray(into)) into.push(value)
    else setField(into, key, value)
  }
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const char = text[at]
    if (char === ',' || char === ':') at++
    else if (char === '{' || char === '[') {
      const value: Container = char === '{' ? {} : []
      put(value)
      open.push(value)
      at++
    } else if (char === '}' || char === ']') {
      open.pop()
      at++
    } else {
      const end = char === '"' ? stringEnd(text, at) : wordEnd(text, at)
      const value: unknown = JSON.parse(text.slice(at, end))
      at = skipSpace(text, end)
      // Before a colon stands a string: a key.
      if (text[at] === ':') key = value as string
      else put(value)
    }
  }
  return root[0]
}

/** Where a number, or `true`, `false` or `null`, ends. */
function wordEnd(text: string, start: number): number {
  let end = start
  while (end < text.length && !',]}'.includes(text[end]) && !isSpace(text.charCodeAt(end))) end++
  return end
}

/** Gives an object a field of its own, also one whose name means something else to an assignment. */
function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * JSON text in one-byte strings.
 *
 * A chunk of UTF-8 is decoded as latin1, so that each character of the string is one byte of the file. V8 keeps
 * such strings in one byte a character, slices are free, and `latin1Write` puts the same bytes back. Text taken
 * from between the quotes of a JSON string stays escaped: templating is concatenation and writing is a copy.
 */
declare const escaped: unique symbol

/**
 * The inside of a JSON string (without its quotes), still escaped, in the canonical spelling, one character per
 * UTF-8 byte. Only this module makes one; whatever concatenates them and literals without `"`, `\` or control
 * characters has one again.
 */
export type JsonText = string & { readonly [escaped]: 'JsonText' }

const BACKSLASH = 0x5c

/** The value of a hexadecimal digit by its character code, 255 for any other character. */
const HEX_DIGIT = new Uint8Array(256).fill(255)
for (let i = 0; i < 16; i++) {
  HEX_DIGIT[i.toString(16).charCodeAt(0)] = i
  HEX_DIGIT[i.toString(16).toUpperCase().charCodeAt(0)] = i
}

/** The canonical spelling of characters that cannot stand for themselves. */
const SPELLED: string[] = []
for (let code = 0; code < 0x20; code++) SPELLED[code] = `\\u${code.toString(16).padStart(4, '0')}`
SPELLED[8] = '\\b'
SPELLED[9] = '\\t'
SPELLED[10] = '\\n'
SPELLED[12] = '\\f'
SPELLED[13] = '\\r'
SPELLED[0x22] = '\\"'
SPELLED[0x5c] = '\\\\'

const codeUnit = (text: string, at: number): number =>
  (HEX_DIGIT[text.charCodeAt(at)] << 12) |
  (HEX_DIGIT[text.charCodeAt(at + 1)] << 8) |
  (HEX_DIGIT[text.charCodeAt(at + 2)] << 4) |
  HEX_DIGIT[text.charCodeAt(at + 3)]

/** The UTF-8 bytes of a code point above 0x7f, one character each. */
function utf8(codePoint: number): string {
  const last = 0x80 | (codePoint & 63)
  if (codePoint < 0x800) return String.fromCharCode(0xc0 | (codePoint >> 6), last)
  const third = 0x80 | ((codePoint >> 6) & 63)
  if (codePoint < 0x10000) return String.fromCharCode(0xe0 | (codePoint >> 12), third, last)
  return String.fromCharCode(0xf0 | (codePoint >> 18), 0x80 | ((codePoint >> 12) & 63), third, last)
}

/**
 * Brings legal escaped text to the canonical spelling: that of Python's `json.dumps(ensure_ascii=False)`, which
 * escapes only `"`, `\` and characters below 0x20. A surrogate without its partner, which UTF-8 cannot write,
 * stays escaped (in lower case).
 */
export function canonical(text: string): JsonText {
  if (!text.includes('\\u') && !text.includes('\\/')) return text as JsonText
  let result = ''
  let copied = 0
  let at = text.indexOf('\\')
  while (at >= 0) {
    const kind = text.charCodeAt(at + 1)
    if (kind === 0x75 /* u */) {
      result += text.slice(copied, at)
      const unit = codeUnit(text, at + 2)
      at += 6
      if (
        unit >= 0xd800 &&
        unit < 0xdc00 &&
        text.charCodeAt(at) === BACKSLASH &&
        text.charCodeAt(at + 1) === 0x75
      ) {
        const low = codeUnit(text, at + 2)
        if (low >= 0xdc00 && low < 0xe000) {
          result += utf8(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff))
          at += 6
        } else result += `\\u${unit.toString(16)}`
      } else if (unit >= 0xd800 && unit < 0xe000) result += `\\u${unit.toString(16)}`
      else result += SPELLED[unit] ?? (unit < 0x80 ? String.fromCharCode(unit) : utf8(unit))
      copied = at
    } else if (kind === 0x2f /* / */) {
      result += text.slice(copied, at)
      copied = at + 1
      at += 2
    } else at += 2
    // The next character is often a backslash again in text that is spelled in \u throughout.
    if (text.charCodeAt(at) !== BACKSLASH) at = text.indexOf('\\', at)
  }
  return (result + text.slice(copied)) as JsonText
}

/** The characters that escaped text stands for. */
export function decode(text: string): string {
  const utf16 = Buffer.from(text, 'latin1').toString('utf8')
  return text.includes('\\') ? (JSON.parse(`"${utf16}"`) as string) : utf16
}

/** Where text is put to be counted, piece by piece: bytes are looked at faster than a string's characters. */
const counted = Buffer.allocUnsafeSlow(16 * 1024)

/** How many characters (Unicode code points) escaped text stands for; a surrogate without its partner is one. */
export function charCount(text: JsonText): number {
  let count = 0
  // In UTF-8 each character has one byte that does not continue another one's.
  for (let from = 0; from < text.length; from += counted.length) {
    const length = counted.write(text.slice(from, from + counted.length), 'latin1')
    for (let at = 0; at < length; at++) if ((counted[at] & 0xc0) !== 0x80) count++
  }
  for (let at = text.indexOf('\\'); at >= 0; ) {
    const length = text.charCodeAt(at + 1) === 0x75 /* u */ ? 6 : 2
    count -= length - 1
    at = text.indexOf('\\', at + length)
  }
  return count
}

/** The canonical escaped text of a string. The inverse of {@link decode}. */
export function encode(text: string): JsonText {
  return Buffer.from(JSON.stringify(text).slice(1, -1)).toString('latin1') as JsonText
}

/** Any JSON value (with its quotes, if it is a string) as one-byte text, in the canonical spelling. */
export function encodeValue(value: unknown): string {
  // Indented output has raw line ends only between tokens, so that they can be taken out without a tokenizer.
  const spaced = JSON.stringify(value, null, 1).replace(/,\n */g, ', ').replace(/\n */g, '')
  return Buffer.from(spaced).toString('latin1')
}

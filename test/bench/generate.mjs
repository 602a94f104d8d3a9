/**
 * Makes the benchmark's data: the same arguments give the same bytes on every machine, and a smaller file is
 * a prefix of a larger one. Memory is constant; everything is drawn with integers from one seeded generator.
 *
 *   node test/bench/generate.mjs conversations|rows|trees MEGABYTES [--gzip] [--seed 1] [--folder test/bench/data]
 *
 * Trees are always compressed, as the published ones are; MEGABYTES are those before that.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { GzipMember } from './gzip-member.mjs'

/** Goes into the file's name. To be raised when the same arguments come to give other bytes. */
const VERSION = 1

export const MEGABYTE = 1e6
export const DATA_FOLDER = fileURLToPath(new URL('data/', import.meta.url))

const SYSTEM =
  'A chat between a curious user and an artificial intelligence assistant. ' +
  "The assistant gives helpful, detailed, and polite answers to the user's questions."

/** @typedef {'conversations' | 'rows' | 'trees'} Kind */

// ---------------------------------------------------------------------------------------------- vocabulary

/**
 * Words from frequent to rare. In languages with capitals a sentence's first word gets one.
 *
 * @typedef {object} Language
 * @property {string[]} words
 * @property {string} space between words
 * @property {string} comma
 * @property {string[]} stops
 */

/** @param {string} text */
const split = (text) => text.trim().split(/\s+/)

/** @type {Language} */
const ENGLISH = {
  words: split(`
    the of and to a in is that it for you with as on are this be can or your not have from will an at by which if
    more we they their use has there one some also may when these should all time into other but about its most
    how what so any people make way first each many like would new than then help good need work such only over
    these two while example between different using them was do through both our long even small because after
    much water important often information where change value name system number line point world process part
    year day data next words question answer read write result order list could food place large common several
    general start include provide create consider follow based better experience possible best level less without
    before great keep around case form group high life light model power problem program public reason school
    second set show side simple since state step still story study support sure table take team term test thing
    think type under understand until used user various want well within young ability account across action
    activity add air allow always amount analysis animal apply approach area argument article attention author
    available avoid balance bank base beauty begin behavior believe benefit beyond body book bottom break bring
    build business calculate call camera carbon care carefully center century chance character check child choice
    city class clear climate close code cold collect color comfortable community company compare complete complex
    computer condition connect contain content context control cook correct cost country course cover culture
    customer daily decide deep define degree deliver depend describe design detail develop device difference
    difficult direct discover discuss distance divide document dream drive during early earth easily economy
    education effect efficient effort electric element email emotion employee encourage energy engine enjoy
    environment equal equation especially establish event every evidence exactly exercise exist expect explain
    explore express extra factor family famous farm feature feel field figure final find flavor floor flow focus
    forest formula freedom friend function future garden generation gentle global goal government grow growth
    guide habit hand happen happy health heart heat heavy history home hour human hundred idea identify image
    imagine impact improve increase individual industry influence instead instrument interest internet introduce
    investment island issue join journey judge kitchen knowledge language laugh layer leader learn legal letter
    limit listen literature local location logic machine manage market material mathematics matter maybe measure
    medicine member memory message method middle million mind minute mistake modern moment money month morning
    mountain movement museum music narrative natural necessary network never night noise normal notice object
    observe ocean offer office open opinion opportunity option ordinary original outside overall paint paper
    paragraph particular party passage patient pattern perfect perform period person phone photograph physical
    picture plan planet plant platform player please poem police policy popular population position practice
    prefer prepare present pressure prevent price print private produce professional project promise property
    protect purpose quality quantity quick quiet range rather reach ready real recipe recommend record reduce
    region regular relationship remember remove repeat replace report represent require research resource respect
    responsible rest return review rhythm river room rule safe sample scale schedule science score search season
    section security sentence separate series serious serve service share short signal significant similar
    situation skill sleep smooth social society soft software soil solution sometimes soup source space special
    specific speech speed spread stage standard statement station strategy stream street strength structure
    student style subject success suggest summary surface surprise sustainable sweet switch symbol target taste
    teacher technique technology temperature theory tomorrow tool total touch tradition traffic train translate
    travel treat tree trust truth understanding unique universe unusual update valley variable variety vegetable
    version village vision visit voice volume walk warm weather website weight whatever whole wild window winter
    wonder wood worker writer yesterday
  `),
  space: ' ',
  comma: ',',
  stops: ['.', '.', '.', '.', '.', '?', '!', ':'],
}

/** @type {Language[]} */
const OTHERS = [
  {
    words: split(`
      der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat
      daß sie nach wird bei einer um am sind noch wie einem über so zum kann haben nur oder aber vor zur bis mehr
      durch während natürlich möglich Größe Straße Gebäude Übung Äpfel Öffnung schön müssen könnte früh zwölf
      Bücher Mädchen grün weiß heiß Fußball Verständnis Erklärung Veränderung Gemüse Käse Frühstück
    `),
    space: ' ',
    comma: ',',
    stops: ['.', '.', '.', '?', '!'],
  },
  {
    words: split(`
      de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin
      sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque
      qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien tiempo mismo ese ahora cada niño
      España corazón canción información educación según aquí allí después además último público médico fácil
    `),
    space: ' ',
    comma: ',',
    stops: ['.', '.', '.', '?', '!'],
  },
  {
    words: split(`
      и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой что-то можно время год
      человек если нет другой большой новый хороший работа жизнь день рука раз слово место вопрос лицо дело страна
      мир случай ребёнок голова сторона вода город деньги земля машина друг язык книга ответ пример объяснение
      возможность система несколько потому всегда сегодня
    `),
    space: ' ',
    comma: ',',
    stops: ['.', '.', '.', '?', '!'],
  },
  {
    words: split(`
      的 是 我们 在 不 了 有 和 人 这 中 大 为 上 个 国家 可以 说 他们 时间 要 就 出 会 到 也 你 对 生活 能 而 子 那 得 于 着 下
      自己 之 年 过 发展 后 作 里 用 道 行 所 然 家 种 事 成 方 多 经济 么 去 法 学习 如 都 同 现 当 没有 动 面 起 看 定 天 分 还
      进 好 小 部 其 些 主要 样 理 心 她 本 前 开始 但是 因为 只 从 想 实际 日本語 です ます こと もの する これ それ ください
    `),
    space: '',
    comma: '，',
    stops: ['。', '。', '。', '？', '！'],
  },
  {
    words: split(`
      في من على أن إلى هذا التي الذي هو لا ما عن مع كان كل بعد بين هذه قد أو كما لم هي عند ذلك كانت حيث يمكن وقد
      الناس العمل الحياة الوقت اليوم العالم المدينة الكتاب السؤال الجواب مثال شرح سؤال لغة بيت ماء
    `),
    space: ' ',
    comma: '،',
    stops: ['.', '.', '؟', '!'],
  },
]

/** Single pieces that real rows have and that readers stumble on. The front ones are frequent, the last ones rare. */
const CURIOSITIES = [
  '“quoted”',
  'it’s',
  '— that is —',
  '"quotes"',
  "'single'",
  '🙂',
  '(see above)',
  '**bold**',
  'https://example.org/a/b?c=d&e=f',
  '3.14',
  '1/2',
  '20 °C',
  'C:\\Users\\name',
  '\\frac{1}{2}',
  '<a href="#top">up</a>',
  '{"key": [1, 2, null]}',
  'naïve café',
  '5 × 10³ ≈ 5000',
  '👩‍👩‍👧 🇳🇴',
  'a\tb',
  '$& $1 $$',
  'one\r\ntwo',
  'zero\u200bwidth',
  'line\u2028separator',
  'del\u007f',
  '\u0002',
  'form\ffeed',
  'back\bspace',
  '\\u0041 \\/ \\n',
  '𝕬𝖘𝖙𝖗𝖆𝖑',
]

const CODE_LINES = [
  'def main(argv):\n',
  '    for i in range(10):\n',
  '        print("value:", i)\n',
  '    return {"status": "ok", "count": n}\n',
  'const list = [1, 2, 3].map((x) => x * 2)\n',
  '\tif (a < b && c > d) {\n',
  '\t\tfprintf(stderr, "error: %s\\n", message);\n',
  '\t}\n',
  'SELECT name, COUNT(*) FROM users WHERE name LIKE "%a%" GROUP BY name;\n',
  "console.log('done')\n",
  '# comment: nothing to see\n',
  '\n',
  'regex = re.compile(r"^\\s*(\\w+)\\s*=\\s*\\"(.*)\\"$")\n',
  '<div class="box" id="main">\n',
]

// -------------------------------------------------------------------------------------- pieces of JSON text

/** Pieces of JSON text, one after the other in `ink`: piece i is ink[edges[i]] up to ink[edges[i + 1]]. */
const ink = new Uint8Array(1 << 16)
const edges = new Int32Array(1 << 13)
let pieces = 0

/**
 * @param {string} json
 * @returns the number of the piece
 */
function piece(json) {
  const { read, written } = new TextEncoder().encodeInto(json, ink.subarray(edges[pieces]))
  if (read !== json.length) throw new Error('ink is too small for the vocabulary')
  edges[pieces + 1] = edges[pieces] + written
  return pieces++
}

/**
 * As Python's json.dumps(ensure_ascii=False) spells it, which for whole characters is how JSON.stringify does.
 *
 * @param {string} text
 */
const escaped = (text) => piece(JSON.stringify(text).slice(1, -1))

/** @param {string} word */
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1)

/**
 * The numbers of a language's first pieces.
 *
 * @param {Language} language
 */
const inscribe = ({ words, space, comma, stops }) => ({
  count: words.length,
  starts: words.map((word) => escaped(capital(word)))[0],
  follows: words.map((word) => escaped(space + word))[0],
  comma: escaped(comma),
  stops: stops.map((stop) => escaped(stop)),
  space: escaped(space),
})

const english = inscribe(ENGLISH)
const others = OTHERS.map(inscribe)
const curiosities = CURIOSITIES.map((text) => escaped(` ${text}`))
const codeLines = CODE_LINES.map(escaped)
const paragraph = escaped('\n\n')
const bullet = escaped('\n- ')
const heading = escaped('\n\n## ')
const fence = escaped('\n\n```\n')
const fenceEnd = escaped('```')
const toAssistant = escaped('\n<extra_id_1>Assistant\n')
const toUser = escaped('\n<extra_id_1>User\n')

const openConversation = piece('{"conversations": [{"value": "')
const userEnd = piece('", "from": "User", "label": null}')
const assistantEnd = piece('", "from": "Assistant", "label": ')
const nextTurn = piece(', {"value": "')
const closeTurn = piece('}')
const noLabel = piece('null')
const closeConversation = piece(
  `], "system": ${JSON.stringify(SYSTEM)}, "mask": "User", "type": "VALUE_TO_TEXT"}\n`,
)
const openRow = piece('{"prompt": "')
const rowResponse = piece('", "response": "')
const closeRow = piece('}\n')
const quote = piece('"')

const HELPSTEER = ['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity']
const OASST = ['quality', 'toxicity', 'humor', 'creativity']

/**
 * The piece `name` with score 0, those with 1 to 4 behind it.
 *
 * @param {string} before
 * @param {string} name
 * @param {string} between
 */
const scored = (before, name, between) =>
  [0, 1, 2, 3, 4].map((score) => piece(before + name + between + score))[0]

const labelHelpsteer = HELPSTEER.map((name, i) => scored(i ? ',' : '"', name, ':'))
const labelOasst = OASST.map((name, i) => scored(i ? ',' : '"', name, ':'))
const rowScores = HELPSTEER.map((name, i) => scored(i ? ', ' : '", ', `"${name}"`, ': '))

const openTree = piece('{"message_tree_id": "')
const treeState = piece('", "tree_state": "')
const TREE_STATES = ['ready_for_export', 'growing', 'initial_prompt_review'].map((state) => piece(state))
const treePrompt = piece('", "prompt": ')
const closeTree = piece('}\n')
const messageId = piece('{"message_id": "')
const parentId = piece('", "parent_id": "')
const userId = piece('", "user_id": "')
const created = piece('", "created_date": "2023-02-1')
const createdEnd = piece('T19:06:16.233571+00:00", "text": "')
const prompterRole = piece('", "role": "prompter')
const assistantRole = piece('", "role": "assistant')
const messageReview = piece(
  '", "lang": "en", "review_count": 3, "review_result": true, "deleted": false, "synthetic": false, "emojis": {"+1": 2, "_skip_labeling": 1}, "replies": [',
)
const nextMessage = piece(', ')
const messageLabels = piece('], "labels": {')
const messageDetoxify = piece('}, "detoxify": {')
const detoxifyEnd = piece('}}')
const dash = piece('-')
/** The piece `0`, and those of the other hexadecimal digits behind it. */
const digits = Array.from('0123456789abcdef', (digit) => piece(digit))[0]

const USER_LABELS = [
  'spam',
  'lang_mismatch',
  'pii',
  'not_appropriate',
  'hate_speech',
  'sexual_content',
  ...OASST,
]
const openLabels = ['fails_task', ...USER_LABELS, 'helpfulness', 'violence'].map((name) => ({
  name,
  id: piece(`"${name}": {"value": `),
}))
const labelCount = piece(', "count": 3}')
/** Equally likely values; those that are halves when they are multiplied by 4 are as frequent as they really are. */
const LABEL_VALUES = [
  ...['0.0', '0.0', '0.0', '0.0', '0.0', '0.0', '0.25', '0.25', '0.5', '0.5', '0.75', '0.75', '1.0', '1.0'],
  ...['0.3333333333333333', '0.6666666666666666', '0.16666666666666666', '0.8333333333333334'],
  ...['0.08333333333333333', '0.5833333333333334', '0.125', '0.375', '0.625', '0.875', '0.05', '0.2'],
].map((value) => piece(value))
const DETOXIFY = [
  'toxicity',
  'severe_toxicity',
  'obscene',
  'identity_attack',
  'insult',
  'threat',
  'sexual_explicit',
]
const detoxifyNames = DETOXIFY.map((name, i) => piece(`${i ? ', ' : ''}"${name}": 0.00`))

/** Sixteen equally likely scores for each attribute. */
const SPREAD = {
  helpsteer: [
    '0112222333334444',
    '0112233334444444',
    '2333444444444444',
    '0111111222222333',
    '0111112222222334',
  ],
  oasst: ['0011222223333344', '0000000000000112', '0000000001111223', '0000111112222334'],
}
/** @param {string[]} spread */
const scores = (spread) => spread.map((line) => Array.from(line, Number))
const helpsteerScores = scores(SPREAD.helpsteer)
const oasstScores = scores(SPREAD.oasst)

// ------------------------------------------------------------------------------------------------- the pen

/** How long texts are, as multiples of a kind's usual length in 1/16, equally likely: a long tail to the right. */
const LENGTHS = [1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 15, 18, 22, 28, 37, 58]
const LONGEST = 60_000
/** Most that a unit (a conversation of eight turns, a pair of rows, a tree) can take. */
const UNIT = 1 << 20

/** Bytes of an id. */
const UUID = 36

/** How many reply to a message at each depth, equally likely. */
const REPLIES = [
  [1, 2, 2, 3, 3, 3, 3, 4, 4],
  [0, 0, 0, 1, 1, 1, 1],
  [0, 1, 2, 2, 3, 3],
  [0, 0, 0, 1],
  [0, 2, 3],
]

/** Writes units of text into a block that is emptied by its owner. */
class Pen {
  block = Buffer.allocUnsafeSlow(2 * UNIT)
  at = 0
  /** @type {number} */
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed | 0
  }

  /** mulberry32: 32 bits. */
  #draw() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return t ^ (t >>> 14)
  }

  /**
   * 0 to n - 1, n below 65536.
   *
   * @param {number} n
   */
  below(n) {
    return ((this.#draw() >>> 16) * n) >>> 16
  }

  /**
   * 0 to n - 1, the low ones more often.
   *
   * @param {number} n
   */
  low(n) {
    const bits = this.#draw()
    return (Math.min(bits >>> 16, bits & 0xffff) * n) >>> 16
  }

  /** @param {number} id */
  put(id) {
    const { block } = this
    let { at } = this
    for (let i = edges[id], end = edges[id + 1]; i < end; i++) block[at++] = ink[i]
    this.at = at
  }

  /**
   * @template T
   * @param {readonly T[]} list
   */
  pick(list) {
    return list[this.below(list.length)]
  }

  language() {
    return this.below(100) < 86 ? english : this.pick(others)
  }

  /**
   * @param {ReturnType<typeof inscribe>} language
   * @param {number} words
   */
  sentence(language, words) {
    this.put(language.starts + this.low(language.count))
    for (let i = 1; i < words; i++) {
      this.put(language.follows + this.low(language.count))
      const chance = this.below(1024)
      if (chance < 80 && i < words - 1) this.put(language.comma)
      else if (chance >= 1021) this.put(curiosities[this.below(1 + this.low(curiosities.length))])
    }
  }

  /** @param {ReturnType<typeof inscribe>} language */
  prose(language) {
    for (let i = 1 + this.below(5); i > 0; i--) {
      this.sentence(language, 5 + this.below(18))
      this.put(this.pick(language.stops))
      if (i > 1) this.put(language.space)
    }
  }

  code() {
    this.put(fence)
    for (let i = 3 + this.below(10); i > 0; i--) this.put(this.pick(codeLines))
    this.put(fenceEnd)
  }

  /**
   * Text of roughly the usual length times something from LENGTHS.
   *
   * @param {ReturnType<typeof inscribe>} language
   * @param {number} usual in bytes
   */
  text(language, usual) {
    const rare = this.below(2000) === 0 ? 12 : 1
    const end = this.at + Math.min(LONGEST, ((usual * this.pick(LENGTHS)) >> 4) * rare)
    this.prose(language)
    while (this.at < end) {
      const kind = this.below(16)
      if (kind < 10) {
        this.put(paragraph)
        this.prose(language)
      } else if (kind < 14) {
        for (let i = 2 + this.below(6); i > 0; i--) {
          this.put(bullet)
          this.sentence(language, 3 + this.below(10))
        }
      } else if (kind < 15) {
        this.put(heading)
        this.sentence(language, 2 + this.below(4))
        this.put(paragraph)
        this.prose(language)
      } else {
        this.code()
      }
    }
  }

  /**
   * @param {number[]} names the pieces for score 0
   * @param {number[][]} spread
   */
  scores(names, spread) {
    for (let i = 0; i < names.length; i++) this.put(names[i] + this.pick(spread[i]))
  }

  conversation() {
    const language = this.language()
    const oasst = this.below(10) < 4
    const turns = this.pick([2, 2, 2, 2, 2, 2, 2, 3, 4, 4, 4, 4, 5, 6, 6, 8])
    this.put(openConversation)
    for (let turn = 0; turn < turns; turn++) {
      if (turn > 0) this.put(nextTurn)
      if (turn % 2 === 0) {
        this.text(language, 500)
        this.put(userEnd)
        continue
      }
      this.text(language, 1900)
      this.put(assistantEnd)
      if (this.below(10) === 0) {
        this.put(noLabel)
      } else {
        if (oasst) this.scores(labelOasst, oasstScores)
        else this.scores(labelHelpsteer, helpsteerScores)
        this.put(quote)
      }
      this.put(closeTurn)
    }
    this.put(closeConversation)
  }

  /** Two rows that share a prompt, which in 29 of 100 holds several turns. */
  rows() {
    const language = this.language()
    const start = this.at
    this.put(openRow)
    this.text(language, 420)
    if (this.below(100) < 29) {
      for (let i = 1 + this.below(3); i > 0; i--) {
        this.put(toAssistant)
        this.text(language, 700)
        this.put(toUser)
        this.text(language, 200)
      }
    }
    const end = this.at
    this.answer(language)
    this.block.copyWithin(this.at, start, end)
    this.at += end - start
    this.answer(language)
  }

  /** A number of digits, of the given base. @param {number} count @param {number} base */
  figures(count, base) {
    for (let i = 0; i < count; i++) this.put(digits + this.below(base))
  }

  /** @returns where the id stands in the block */
  uuid() {
    const start = this.at
    this.figures(8, 16)
    for (const count of [4, 4, 4, 12]) {
      this.put(dash)
      this.figures(count, 16)
    }
    return start
  }

  /** The same id again. @param {number} id */
  uuidAgain(id) {
    this.block.copyWithin(this.at, id, id + UUID)
    this.at += UUID
  }

  /** Most trees are a single prompt; the others have a dozen messages. */
  tree() {
    const language = this.language()
    const start = this.at
    this.put(openTree)
    const id = this.uuid()
    this.put(treeState)
    this.put(this.pick(TREE_STATES))
    this.put(treePrompt)
    this.message(language, start, id, -1, 0, this.below(100) < 70)
    this.put(closeTree)
  }

  /**
   * A message with its replies.
   *
   * @param {ReturnType<typeof inscribe>} language
   * @param {number} start where the tree begins
   * @param {number} own the message's id, or -1 for a new one
   * @param {number} parent the id of the message that it replies to, or -1
   * @param {number} depth how many messages there are above it
   * @param {boolean} alone whether nobody replies
   */
  message(language, start, own, parent, depth, alone) {
    const byUser = depth % 2 === 0
    this.put(messageId)
    if (own >= 0) this.uuidAgain(own)
    const id = own >= 0 ? own : this.uuid()
    if (parent >= 0) {
      this.put(parentId)
      this.uuidAgain(parent)
    }
    this.put(userId)
    this.uuid()
    this.put(created)
    this.figures(1, 10)
    this.put(createdEnd)
    this.text(language, byUser ? 160 : 640)
    this.put(byUser ? prompterRole : assistantRole)
    this.put(messageReview)
    const replies = alone || depth >= REPLIES.length ? 0 : this.pick(REPLIES[depth])
    for (let i = 0; i < replies && this.at < start + UNIT / 4; i++) {
      if (i > 0) this.put(nextMessage)
      this.message(language, start, -1, id, depth + 1, false)
    }
    this.put(messageLabels)
    this.labels(byUser)
    this.put(messageDetoxify)
    for (const name of detoxifyNames) {
      this.put(name)
      this.figures(17, 10)
    }
    this.put(detoxifyEnd)
  }

  /** @param {boolean} byUser */
  labels(byUser) {
    let first = true
    for (const { name, id } of openLabels) {
      if (byUser && (name === 'fails_task' || name === 'helpfulness')) continue
      if (!first) this.put(nextMessage)
      first = false
      this.put(id)
      this.put(this.pick(LABEL_VALUES))
      this.put(labelCount)
    }
  }

  /** @param {ReturnType<typeof inscribe>} language */
  answer(language) {
    this.put(rowResponse)
    this.text(language, 1150)
    this.scores(rowScores, helpsteerScores)
    this.put(closeRow)
  }
}

// ------------------------------------------------------------------------------------------------ the file

/**
 * @typedef {object} Order
 * @property {Kind} kind
 * @property {number} megabytes of 10^6 bytes; the file ends with the record that reaches them
 * @property {boolean} [compressed] with gzip; trees always are
 * @property {number} [seed]
 * @property {string} [folder]
 */

/**
 * Makes the file unless it is there.
 *
 * @param {Order} order
 * @returns its path
 */
export function generate({ kind, megabytes, compressed = false, seed = 1, folder = DATA_FOLDER }) {
  const gzipped = compressed || kind === 'trees'
  const name = `${kind}-${megabytes}MB-seed${seed}-v${VERSION}.jsonl${gzipped ? '.gz' : ''}`
  const file = path.join(folder, name)
  const size = megabytes * MEGABYTE
  const there = fs.statSync(file, { throwIfNoEntry: false })
  if (there && (gzipped || (there.size >= size && there.size < size + UNIT))) return file

  fs.mkdirSync(folder, { recursive: true })
  const beside = `${file}.${process.pid}.part`
  const descriptor = fs.openSync(beside, 'w')
  try {
    const pen = new Pen(seed)
    let written = 0
    const put = (/** @type {Uint8Array} */ bytes) => {
      for (let from = 0; from < bytes.length; ) from += fs.writeSync(descriptor, bytes, from)
    }
    // Rows are one gzip member, as published files are; trees one after the other, which is a gzip file as well.
    const member = gzipped && kind !== 'trees' ? new GzipMember() : undefined
    const empty = () => {
      const units = pen.block.subarray(0, pen.at)
      put(member ? member.piece(units) : gzipped ? gzipSync(units) : units)
      written += pen.at
      pen.at = 0
    }
    while (written + pen.at < size) {
      if (kind === 'conversations') pen.conversation()
      else if (kind === 'rows') pen.rows()
      else pen.tree()
      if (pen.at > UNIT) empty()
    }
    empty()
    if (member) put(member.end())
    fs.closeSync(descriptor)
    fs.renameSync(beside, file)
  } catch (error) {
    fs.rmSync(beside, { force: true })
    throw error
  }
  return file
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      gzip: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      folder: { type: 'string', default: DATA_FOLDER },
    },
  })
  const [kind, size] = positionals
  const megabytes = Number(size)
  const seed = Number(values.seed)
  const known = kind === 'conversations' || kind === 'rows' || kind === 'trees'
  if (!known || !(megabytes > 0) || !Number.isInteger(seed)) {
    console.error(
      'usage: generate.mjs conversations|rows|trees MEGABYTES [--gzip] [--seed 1] [--folder FOLDER]',
    )
    process.exit(2)
  }
  console.log(generate({ kind, megabytes, compressed: values.gzip, seed, folder: values.folder }))
}

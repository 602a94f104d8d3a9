import type { Dispatcher } from './dispatcher.js'
import type { Endpoint } from './endpoint.js'

/** What a dispatcher is at: texts a second, those that are out, and how often it had to ask again. */
export function statusOf({ counts, retries, inFlight, seconds }: Dispatcher): string {
  const rate = seconds > 0 ? counts.answered / seconds : 0
  const again = retries.count === 0 ? '' : `, ${retries.count} asked again`
  return `${rate.toFixed(0)} texts/s, ${inFlight} in flight${again}`
}

/** What a dispatcher did: for people a table, and the same as data. */
export function summaryOf(dispatcher: Dispatcher): {
  lines: readonly string[]
  data: Readonly<Record<string, unknown>>
} {
  const { counts, kept, retries, endpoints, seconds } = dispatcher
  const { questions, asked, answered } = counts
  const rate = seconds > 0 ? answered / seconds : 0
  const causes = [...retries.causes].map(([cause, count]) => `${count} × ${cause}`).join(', ')
  const lines = [
    `${questions} texts, ${asked} of them distinct (${questions - asked} were known${kept > 0 ? `, ${kept} from the run before` : ''}), ${rate.toFixed(0)} a second`,
    `asked again: ${causes || 'nothing'}`,
    ...table(endpoints),
  ]
  const data = {
    texts: questions,
    distinct: asked,
    answered,
    fromJournal: kept,
    textsPerSecond: rate,
    retries: Object.fromEntries(retries.causes),
    endpoints: endpoints.map(({ address, requests, texts, latencies }) => ({
      address,
      requests,
      texts,
      milliseconds: Object.fromEntries(PERCENTILES.map(([name, p]) => [name, latencies.percentile(p)])),
    })),
  }
  return { lines, data }
}

const PERCENTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const

function table(endpoints: readonly Endpoint[]): string[] {
  const width = Math.max(...endpoints.map(({ address }) => address.length))
  const heads = ['requests', 'texts', ...PERCENTILES.map(([name]) => `${name} ms`)]
  const row = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(10)).join('')}`
  return [
    row('', heads),
    ...endpoints.map(({ address, requests, texts, latencies }) =>
      row(address, [
        String(requests),
        String(texts),
        ...PERCENTILES.map(([, p]) => (latencies.count === 0 ? '–' : latencies.percentile(p).toFixed(0))),
      ]),
    ),
  ]
}

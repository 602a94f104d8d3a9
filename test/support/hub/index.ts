/**
 * A hub in this process, for the tests: the calls of its API that have to do with the files of data sets, a second
 * host that has the big files, plain files as any web server has them, and whatever can go wrong on demand.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { askerOf, mayRead, seen, type Tokens } from './access.js'
import { infoOf, isOn, pathsInfo, treePage } from './api.js'
import { type Served, serve } from './body.js'
import { Fault, type FaultRule, failEarly, type Host, isEarly } from './faults.js'
import { type Listener, listen } from './listener.js'
import { Refusal, refuse } from './refusal.js'
import { digest, type HubFiles, type HubRepo, Repo, type Snapshot, type Stored } from './repo.js'
import { routeOf } from './routes.js'

export type { FaultRule } from './faults.js'
export type { HubFiles, HubRepo } from './repo.js'

/** What the hub is like. */
export interface HubOptions extends Tokens {
  /** How many entries a page of a listing has. Default: 3. */
  readonly pageSize?: number
  /** Whether it sends to another path of its own for regular files, as the real one does. Default: no. */
  readonly resolveCache?: boolean
}

/** A file as any web server may have it. */
export interface PlainFile {
  readonly content: string | Uint8Array
  /** Whether parts can be asked for. Default: yes. */
  readonly ranges?: boolean
  /** Whether it has an ETag. Default: yes. */
  readonly etag?: boolean
  /** Whether its length is said. Default: yes. */
  readonly length?: boolean
  /** Such as `Last-Modified`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The host that the hub's host sends to for it. Default: it has it itself. */
  readonly redirect?: Host
}

/** A request that came. */
export interface Seen {
  readonly host: Host
  readonly method: string
  /** With what stands behind `?`. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** 0 as long as it is not answered. */
  readonly status: number
}

/** Starts a hub with data sets by their names (`owner/name`), on free ports of 127.0.0.1. */
export async function startHub(
  repos: Readonly<Record<string, HubRepo>> = {},
  options: HubOptions = {},
): Promise<Hub> {
  const hub = new Hub(repos, options)
  await hub.start()
  return hub
}

/** A hub that runs; `startHub` makes one. */
export class Hub {
  /** In the order in which they came. */
  readonly requests: Seen[] = []
  private readonly repos: Map<string, Repo>
  private readonly plain = new Map<string, PlainFile>()
  private readonly faults: Fault[] = []
  private listeners: Readonly<Record<Host, Listener>> | undefined

  constructor(
    repos: Readonly<Record<string, HubRepo>>,
    private readonly options: HubOptions,
  ) {
    this.repos = new Map(Object.entries(repos).map(([name, repo]) => [name, new Repo(name, repo)]))
  }

  /** What HF_ENDPOINT is to be, such as `http://127.0.0.1:40123`. */
  get endpoint(): string {
    return this.address('hub')
  }

  /** The address of a plain file. @param host default: the hub's */
  files(name: string, host: Host = 'hub'): string {
    return `${this.address(host)}/files/${name}`
  }

  /** The commit that a data set's `main` is at. */
  commit(repo: string): string {
    return this.repo(repo).head.commit.id
  }

  /** What the hub calls the bytes of a file, as the cache does: without the quotes. */
  etag(repo: string, path: string): string {
    const { lfs, oid } = this.file(repo, path)
    return lfs?.oid ?? oid
  }

  /** The bytes of a file, at the commit that `main` is at. */
  content(repo: string, path: string): Buffer {
    return this.file(repo, path).content
  }

  /** Makes a commit: files that are named are there anew, the others stay. @returns the commit */
  push(repo: string, files: HubFiles): string {
    return this.repo(repo).push(files)
  }

  /** Names the commit that `main` is at, as a branch or a tag does. */
  pin(repo: string, ref: string): void {
    this.repo(repo).pin(ref)
  }

  /** Has a plain file from now on, or another under its name. */
  put(name: string, file: PlainFile): void {
    this.plain.set(name, file)
  }

  /** Orders that something goes wrong. Of several faults for a request the one that was ordered first strikes. */
  fault(rule: FaultRule): Fault {
    const fault = new Fault(rule)
    this.faults.push(fault)
    return fault
  }

  /** Takes a fault back. */
  lift(fault: Fault): void {
    fault.release()
    this.faults.splice(this.faults.indexOf(fault), 1)
  }

  /** The requests for the bytes of files: those that were answered with bytes, and those that were refused them. */
  bodies(path = /./): Seen[] {
    const isBody = ({ method, path: asked, status }: Seen) =>
      method === 'GET' && !asked.startsWith('/api/datasets/') && (status < 300 || status >= 400)
    return this.requests.filter((seen) => isBody(seen) && path.test(seen.path))
  }

  async start(): Promise<void> {
    const [hub, cdn] = await Promise.all([
      listen((request, response) => void this.receive('hub', request, response)),
      listen((request, response) => void this.receive('cdn', request, response)),
    ])
    this.listeners = { hub, cdn }
  }

  /** Ends it, with all that is under way. */
  async stop(): Promise<void> {
    const { listeners } = this
    if (!listeners) return
    await Promise.all([listeners.hub.stop(), listeners.cdn.stop()])
  }

  /** The hosts have different names too, since a name may be all that is looked at. */
  private address(host: Host): string {
    if (!this.listeners) throw new Error('the hub is not started')
    return `http://${host === 'hub' ? '127.0.0.1' : 'localhost'}:${this.listeners[host].port}`
  }

  private repo(name: string): Repo {
    const repo = this.repos.get(name)
    if (!repo) throw new Error(`there is no ${name}`)
    return repo
  }

  private file(repo: string, path: string): Stored {
    const file = this.repo(repo).head.files.get(path)
    if (!file) throw new Error(`${repo} has no ${path}`)
    return file
  }

  private async receive(host: Host, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    this.requests.push({
      host,
      method,
      path,
      headers,
      get status() {
        return response.headersSent ? response.statusCode : 0
      },
    })
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // the client is gone
    }
    const fault = this.faults.find((each) => each.isFor({ host, method, path }))
    if (fault && isEarly(fault.rule.kind)) {
      fault.strike()()
      failEarly(fault.rule.kind, response)
      return
    }
    try {
      const url = new URL(path, this.address(host))
      const answer = { request, response, url, body: Buffer.concat(chunks), fault }
      if (url.pathname.startsWith('/files/')) this.givePlain(host, answer)
      else if (host === 'hub') this.answer(answer)
      else this.giveBlob(answer)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refuse(response, error, path.startsWith('/api/'))
    }
  }

  /** What only the hub has. @throws Refusal */
  private answer(exchange: Exchange): void {
    const { request, response, url, body } = exchange
    const asker = askerOf(request.headers.authorization, this.options)
    const { what, repo: name, revision, path } = routeOf(url.pathname)
    const repo = seen(this.repos.get(name), asker)
    const at = repo.at(revision)
    if (!at) throw new Refusal(404, `Invalid rev id: ${revision}`, 'RevisionNotFound')
    switch (what) {
      case 'info':
        sendJson(response, infoOf(repo, at, isOn(url.searchParams.get('blobs'))))
        break
      case 'tree': {
        const { entries, next } = treePage(at, path, url.searchParams, this.options.pageSize ?? 3)
        if (next !== undefined) {
          url.searchParams.set('cursor', String(next))
          response.setHeader('link', `<${url.href}>; rel="next"`)
        }
        sendJson(response, entries)
        break
      }
      case 'paths-info': {
        const { paths, expand } = wantedPaths(request, body)
        sendJson(response, pathsInfo(at, paths, expand))
        break
      }
      default:
        mayRead(repo, asker, this.endpoint)
        this.giveFile(exchange, repo, at, path, what === 'cached')
    }
  }

  /** A file of a data set, or where it is. @throws Refusal */
  private giveFile(exchange: Exchange, { name }: Repo, at: Snapshot, path: string, isCached: boolean): void {
    const { request, response, fault } = exchange
    const commit = { 'x-repo-commit': at.commit.id }
    const file = at.files.get(path)
    if (!file) throw new Refusal(404, 'Entry not found', 'EntryNotFound', commit)
    const { content, oid, lfs } = file
    const etag = `"${lfs?.oid ?? oid}"`
    const headers = { ...commit, 'content-disposition': `inline; filename="${path.split('/').at(-1)}"` }
    const linked = { ...commit, 'x-linked-size': String(content.length), 'x-linked-etag': etag }
    if (lfs) {
      this.sendElsewhere(exchange, { ...linked, ...this.xetHeaders(name, at, file) }, path, file)
    } else if (this.options.resolveCache && !isCached) {
      const location = `/api/resolve-cache/datasets/${name}/${at.commit.id}/${encodeURIComponent(path)}`
      redirect(response, 307, location, linked)
    } else {
      serve(request, response, { content, etag, headers }, fault)
    }
  }

  /** To the other host; or, for who can ask for the parts of a file, what to ask for them. */
  private sendElsewhere(
    { request, response }: Exchange,
    headers: Readonly<Record<string, string>>,
    path: string,
    { lfs, xetHash }: Stored,
  ): void {
    if (xetHash !== undefined && request.headers.accept?.includes(XET)) {
      const body = request.method === 'HEAD' ? '' : JSON.stringify({ hash: xetHash })
      response.writeHead(200, { ...headers, 'content-type': `${XET}; charset=utf-8` }).end(body)
      return
    }
    const filename = encodeURIComponent(path.split('/').at(-1) ?? path)
    const location = `${this.address('cdn')}/blobs/${lfs?.oid}?filename=${filename}&Signature=${SIGNATURE}`
    redirect(response, 302, location, { ...headers, 'accept-ranges': 'bytes' })
  }

  private xetHeaders(name: string, { commit }: Snapshot, { xetHash }: Stored): Record<string, string> {
    if (xetHash === undefined) return {}
    const auth = `${this.endpoint}/api/datasets/${name}/xet-read-token/${commit.id}`
    const parts = `${this.address('cdn')}/v1/reconstructions/${xetHash}`
    return {
      'x-xet-hash': xetHash,
      link: `<${auth}>; rel="xet-auth", <${parts}>; rel="xet-reconstruction-info"`,
    }
  }

  /** A big file, on the other host. @throws Refusal */
  private giveBlob({ request, response, url, fault }: Exchange): void {
    // As with the real one, who shows a token beside the signature is sent away.
    if (request.headers.authorization !== undefined) throw new Refusal(400, 'Only one way to sign is allowed')
    const oid = /^\/blobs\/(\w+)$/.exec(url.pathname)?.[1]
    if (url.searchParams.get('Signature') !== SIGNATURE) throw new Refusal(403, 'Access denied')
    const content = [...this.repos.values()].map((repo) => repo.blob(oid)).find((bytes) => bytes)
    if (!content) throw new Refusal(404, 'No such blob')
    // Its ETag is its own, and not the one of the hub.
    serve(request, response, { content, etag: `"${digest('md5', content)}"` }, fault)
  }

  /** A plain file. @throws Refusal */
  private givePlain(host: Host, { request, response, url, fault }: Exchange): void {
    const name = decodeURIComponent(url.pathname.slice('/files/'.length))
    const file = this.plain.get(name)
    if (!file) throw new Refusal(404, 'Not found')
    if (file.redirect !== undefined && file.redirect !== host) {
      redirect(response, 302, this.files(name, file.redirect), {})
      return
    }
    const { etag = true, ranges = true, length = true, headers = {} } = file
    const content = Buffer.from(file.content)
    const served: Served = { content, ranges, length, headers }
    serve(request, response, { ...served, ...(etag && { etag: `"${digest('md5', content)}"` }) }, fault)
  }
}

/** A request with all that is known of it, and its answer. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly body: Buffer
  readonly fault: Fault | undefined
}

const XET = 'application/vnd.xet-fileinfo+json'

const SIGNATURE = 'signed'

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
}

function redirect(
  response: ServerResponse,
  status: number,
  location: string,
  headers: Readonly<Record<string, string>>,
): void {
  const body = `Found. Redirecting to ${location}`
  response
    .writeHead(status, { ...headers, location, vary: 'Accept', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

/** JavaScript's client sends JSON, Python's a form. */
function wantedPaths(request: IncomingMessage, body: Buffer): { paths: readonly string[]; expand: boolean } {
  const text = body.toString('utf8')
  if (request.headers['content-type']?.startsWith('application/json')) {
    const { paths, expand = false }: { paths: string[]; expand?: boolean } = JSON.parse(text)
    return { paths, expand }
  }
  const form = new URLSearchParams(text)
  return { paths: form.getAll('paths'), expand: isOn(form.get('expand')) }
}

/**
 * A small HTTP proxy for the tests. It takes requests with a whole address, and tunnels by CONNECT.
 */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** What the proxy was asked for. */
export interface Forwarded {
  readonly method: string
  /** An address, or the host and port of a tunnel. */
  readonly target: string
  /** The header `Proxy-Authorization`. */
  readonly authorization: string | undefined
}

/** A proxy that runs. */
export interface RunningProxy {
  readonly url: string
  /** In the order in which they came. */
  readonly forwarded: readonly Forwarded[]
  /** Ends it and its tunnels. */
  close(): Promise<void>
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy(): Promise<RunningProxy> {
  const forwarded: Forwarded[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy()) // either end may go away
  }
  const note = ({ method = '', url = '', headers }: IncomingMessage) => {
    forwarded.push({ method, target: url, authorization: headers['proxy-authorization'] })
  }
  const server = createServer((request, response) => {
    note(request)
    forward(request, response)
  })
  server.on('connection', keep)
  server.on('connect', (request: IncomingMessage, client: Socket, first: Buffer) => {
    note(request)
    const [host, port] = (request.url ?? '').split(':')
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.write(first)
      client.pipe(upstream).pipe(client)
    })
    keep(upstream)
    // One end takes the other with it; before it is connected, that is the answer.
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo // it is one, since it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    forwarded,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request
  if (!url?.startsWith('http://')) {
    response.writeHead(400).end('a whole address is wanted')
    return
  }
  const { 'proxy-authorization': _, 'proxy-connection': __, ...passed } = headers
  const upstream = send(url, { method, headers: passed, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  upstream.on('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  })
  request.pipe(upstream)
}

/**
 * A listener of HTTP on a free port that can be stopped with all that it has under way.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A listener that runs. */
export interface Listener {
  readonly port: number
  /** Closes it and its connections. */
  stop(): Promise<void>
}

/** Listens on 127.0.0.1. */
export async function listen(
  receive: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listener> {
  const sockets = new Set<Socket>()
  const server = createServer(receive)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port, // it is one, since it listens on TCP
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

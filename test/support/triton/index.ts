/**
 * A real Triton server for the tests: installed, started and stopped by them.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, type TestContext } from 'vitest'
import { SET_UP_PATIENCE, setUpTriton } from './set-up.js'

export { setUpTriton }

/** What the server is like. */
export interface TritonOptions {
  /** Scores of a text. Default: 9. */
  readonly heads?: number
  /** Texts that its model takes at once. Default: 16. */
  readonly batch?: number
  /** Milliseconds that a batch takes. Default: 0. */
  readonly latency?: number
  /** Milliseconds that each text of a batch adds. Default: 0. */
  readonly perItem?: number
  /** Texts that a request may have. Default: 9999999, as SteerLM's server has it. */
  readonly maxBatch?: number
  /** Whether it has the output `exceeded` too, as old servers do. Default: no. */
  readonly exceeded?: boolean
}

/** A Triton that is ready, with the model `reward_model`. */
export interface Triton {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  /** Ends it; resolves when its processes are gone and its port is free. */
  stop(): Promise<void>
}

const SHARED_MEMORY = '/dev/shm'

/** Two parts of one line: what its processes say at the same time may stand in the middle of either. */
const PORT_WAS_TAKEN = /failed to start HTTP service|already in use/

/** It takes 4 s where this was written. */
const START_PATIENCE = 120_000
/** It takes 1 s or so. */
const STOP_PATIENCE = 20_000

/**
 * Starts a Triton before the tests of a file and stops it after them.
 *
 * @returns what gives it to a test, or skips the test where there can be none
 */
export function useTriton(options: TritonOptions = {}): (context: TestContext) => Triton {
  let triton: Triton | undefined
  let why = ''
  beforeAll(async () => {
    const python = await setUpTriton()
    if (typeof python === 'string') {
      triton = await startTriton(python, options)
    } else {
      why = python.skip
      console.warn(why)
    }
  }, SET_UP_PATIENCE + START_PATIENCE)
  afterAll(() => triton?.stop())
  return (context) => triton ?? context.skip(why)
}

/**
 * Starts a Triton on a port of its own.
 *
 * @param python as `setUpTriton` gives it
 * @param pickPort gives a port that seems to be free
 * @throws Error with what it said if it does not become ready
 */
export async function startTriton(
  python: string,
  options: TritonOptions = {},
  pickPort = freePort,
): Promise<Triton> {
  // It has to be given a port, which another may take before it does.
  for (let attempt = 1; ; attempt++) {
    const server = new TritonProcess(python, await pickPort(), options)
    if (await server.ready()) return server
    await server.kill()
    if (!server.portWasTaken || attempt === 5) {
      throw new Error(`Triton did not become ready:\n${server.said}`)
    }
  }
}

class TritonProcess implements Triton {
  readonly url: string
  portWasTaken = false
  /** The end of what it has said. */
  said = ''
  /** Its home: it copies its binaries to where it runs, and keeps its sockets there. */
  private readonly folder = mkdtempSync(join(tmpdir(), 'triton-'))
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Resolves when it has ended, and whatever else has its output open. */
  private readonly closed: Promise<unknown>
  private hasEnded = false

  constructor(
    python: string,
    private readonly port: number,
    options: TritonOptions,
  ) {
    this.url = `http://127.0.0.1:${port}`
    const server = fileURLToPath(new URL('server.py', import.meta.url))
    const args = [server, '--port', String(port), '--workspace', join(this.folder, 'w'), ...flags(options)]
    this.child = spawn(python, args, {
      detached: true, // a process group of its own, since Triton has processes of its own
      env: {
        PATH: '/usr/bin:/bin',
        HOME: this.folder,
        TMPDIR: this.folder,
        LC_ALL: 'C.UTF-8',
        PYTHONUNBUFFERED: '1',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child.stdin.on('error', () => {}) // it is there only to be closed when this process ends
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said = (this.said + text).slice(-8000)
        this.portWasTaken ||= PORT_WAS_TAKEN.test(this.said)
      })
    }
    this.child.on('error', (error) => {
      this.said += error.message
    })
    this.child.on('exit', () => {
      this.hasEnded = true
    })
    this.closed = new Promise((resolve) => this.child.on('close', resolve))
  }

  /** Waits for its model to answer; false when it does not come to that. */
  async ready(): Promise<boolean> {
    const end = performance.now() + START_PATIENCE
    while (!(await answersReady(this.url))) {
      if (this.hasEnded || this.portWasTaken || performance.now() > end) return false
      await sleep(50)
    }
    return true
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM')
    const late = setTimeout(() => this.signal('SIGKILL'), STOP_PATIENCE)
    await this.closed
    clearTimeout(late)
    await this.kill()
    while (await isTaken(this.port)) await sleep(20)
  }

  /** Ends what is left of it at once. While it waits for its server to come up, it heeds nothing else. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.closed
    rmSync(this.folder, { recursive: true, force: true })
    // What it shares with its processes, under a name that begins so in PyTriton.
    const shared = readdirSync(SHARED_MEMORY).filter((name) => name.startsWith(`pytrtion${this.child.pid}-`))
    for (const name of shared) rmSync(join(SHARED_MEMORY, name), { force: true })
  }

  /** Sends a signal to all its processes. */
  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return
    try {
      process.kill(-this.child.pid, signal)
    } catch {
      // They are gone already.
    }
  }
}

function flags({ heads, batch, latency, perItem, maxBatch, exceeded }: TritonOptions): string[] {
  const numbers = { heads, batch, latency, 'per-item': perItem, 'max-batch': maxBatch }
  const given = Object.entries(numbers).filter(([, value]) => value !== undefined)
  return [
    ...given.flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...(exceeded ? ['--exceeded'] : []),
  ]
}

function answersReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    // Whoever has taken its port may be silent.
    const options = { agent: false, timeout: 2000 }
    const request = get(`${url}/v2/models/reward_model/ready`, options, (response) => {
      response.resume().on('close', () => resolve(response.statusCode === 200))
    })
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false))
  })
}

/** A port that nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Whether somebody listens on a port. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

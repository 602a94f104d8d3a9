import { SteerpipeError } from '../errors.js'
import { type BringUpSettings, bringUp, isWell, troubleIn } from './bring-up.js'
import { Endpoint, type EndpointSettings } from './endpoint.js'
import { pause } from './pause.js'

/** Which endpoints there are, and how long they may be gone. */
export interface FleetSettings extends EndpointSettings, BringUpSettings {
  readonly addresses: readonly string[]
  /** Most texts in one request; undefined for what the protocol and the server allow. */
  readonly mostTexts?: number | undefined
  /** Milliseconds without a single ready endpoint after which the run ends. */
  readonly waitReady: number
}

/** Looks at an endpoint before it is said not to be well. It may fail at random. */
const LOOKS = { most: 6, pause: 50 }

/**
 * Texts that an endpoint is given at first: enough for large batches. One that takes long for a single text gets no
 * more than it can answer in time, if it takes one after the other.
 *
 * @param probeTime milliseconds that one text took
 * @param timeout milliseconds that a request may take
 */
const startFor = (probeTime: number, timeout: number): number =>
  Math.max(1, Math.min(128, Math.floor(timeout / 2 / probeTime)))

/** The endpoints: which are ready, which are gone, and whether waiting for them still makes sense. */
export class Fleet {
  readonly endpoints: readonly Endpoint[]
  private readonly closing = new AbortController()
  /** Looks that are under way, whether an endpoint is well. */
  private readonly looks = new Map<Endpoint, Promise<boolean>>()
  /** Runs while no endpoint is ready and somebody waits for one. */
  private waiting: NodeJS.Timeout | undefined
  private lastTrouble = 'it does not answer'

  /**
   * @param onReady called when an endpoint has come up
   * @param onEnd called with what no waiting mends
   */
  constructor(
    private readonly settings: FleetSettings,
    private readonly onReady: () => void,
    private readonly onEnd: (error: unknown) => void,
  ) {
    this.endpoints = settings.addresses.map((address) => new Endpoint(address, settings))
  }

  /** Brings the endpoints up. */
  start(): void {
    for (const endpoint of this.endpoints) {
      endpoint.breaker.onBreak((reason) => {
        this.lose(endpoint, 'error' in reason ? troubleIn(reason.error) : undefined)
      })
      void this.raise(endpoint)
    }
  }

  /** Whether another endpoint than this one can be asked, soon at least: it is up, and not all at rest. */
  hasOther(than: Endpoint): boolean {
    return this.endpoints.some(
      (other) =>
        other !== than && other.up && (other.room > 0 || other.places.inFlight > other.places.stalled),
    )
  }

  /** Somebody waits for an answer: from now on the endpoints may not be gone for long. */
  await(): void {
    if (this.waiting !== undefined || this.endpoints.some(({ up }) => up)) return
    this.waiting = setTimeout(() => this.onEnd(this.unreachable()), this.settings.waitReady)
  }

  /** Nobody waits any more. */
  release(): void {
    clearTimeout(this.waiting)
    this.waiting = undefined
  }

  /** An endpoint is gone: the others take its work, until it is back. @param trouble what says so */
  lose(endpoint: Endpoint, trouble = this.lastTrouble): void {
    // What fails while all is being closed says nothing.
    if (!endpoint.up || this.closing.signal.aborted) return
    endpoint.up = false
    this.lastTrouble = trouble
    this.await()
    void this.raise(endpoint)
  }

  /**
   * Whether an endpoint can still answer what it could at first, so that what it refuses is to blame itself. One that
   * cannot is lost.
   */
  vouch(endpoint: Endpoint): Promise<boolean> {
    const under = this.looks.get(endpoint)
    if (under) return under
    const look = this.look(endpoint).finally(() => this.looks.delete(endpoint))
    this.looks.set(endpoint, look)
    return look
  }

  private async look(endpoint: Endpoint): Promise<boolean> {
    const { signal } = this.closing
    for (let looks = 0; looks < LOOKS.most && endpoint.up && !signal.aborted; looks++) {
      if (await isWell(endpoint, this.settings, signal)) return true
      await pause(LOOKS.pause, signal)
    }
    this.lose(endpoint)
    return false
  }

  /** Waits until an endpoint is ready. */
  private async raise(endpoint: Endpoint): Promise<void> {
    try {
      const limits = await bringUp(endpoint, this.settings, this.closing.signal, (trouble) => {
        this.lastTrouble = trouble
      })
      if (limits === undefined) return
      const { protocol, mostTexts = Number.POSITIVE_INFINITY, timeout } = this.settings
      endpoint.mostTexts = Math.min(limits.mostTexts, protocol.mostTexts, mostTexts)
      endpoint.mostBytes = limits.mostBytes
      endpoint.begin(protocol.usualTexts, startFor(limits.probeTime, timeout))
      this.release()
      this.onReady()
    } catch (error) {
      // Only what no waiting mends comes here.
      this.onEnd(error)
    }
  }

  private unreachable(): SteerpipeError {
    const { addresses, waitReady } = this.settings
    const server =
      addresses.length === 1 ? `the server ${addresses[0]} is` : `none of ${addresses.join(', ')} is`
    return new SteerpipeError('SERVER_UNREACHABLE', {
      found: `${server} not ready since ${waitReady / 1000} seconds: ${this.lastTrouble}`,
    })
  }

  /** Ends everything that is under way. */
  async close(): Promise<void> {
    this.closing.abort()
    this.release()
    await Promise.all(this.endpoints.map((endpoint) => endpoint.close()))
  }
}

/**
 * A client and a server in a time of their own: places are filled as they get free, by what there is without end.
 */
import { vi } from 'vitest'
import { Places } from '../../src/reward/places.js'

/** Takes a text, and says later whether it was answered or turned away. */
export type SimulatedServer = (simulation: Simulation, end: (answered: boolean) => void) => void

/** What a part of a simulation brought. */
export interface Stretch {
  /** Texts a second. */
  readonly rate: number
  /** How much was turned away, 0 to 1. */
  readonly share: number
  readonly limit: number
}

export class Simulation {
  now = 0
  readonly places: Places
  private readonly events: { at: number; act: () => void }[] = []
  private answered = 0
  private shed = 0

  constructor(
    private readonly server: SimulatedServer,
    { start = 128, most = 1024, random = seeded(1) } = {},
  ) {
    // The places draw how long they rest.
    vi.spyOn(Math, 'random').mockImplementation(random)
    this.places = new Places(most, () => this.now)
    this.places.restart(start)
  }

  /** Does something after a while. */
  after(milliseconds: number, act: () => void): void {
    const at = this.now + milliseconds
    // Behind all that comes at the same time.
    const before = this.events.findIndex((event) => event.at > at)
    this.events.splice(before < 0 ? this.events.length : before, 0, { at, act })
  }

  /** Lets time pass. */
  run(milliseconds: number): Stretch {
    const end = this.now + milliseconds
    this.answered = this.shed = 0
    this.fill()
    while (this.events.length > 0 && this.events[0].at <= end) {
      const [{ at, act }] = this.events.splice(0, 1)
      this.now = at
      act()
      this.fill()
    }
    this.now = end
    const { answered, shed } = this
    return {
      rate: (answered / milliseconds) * 1000,
      share: shed / (answered + shed),
      limit: this.places.level.limit,
    }
  }

  private fill(): void {
    const { places } = this
    while (places.room > 0) {
      places.inFlight++
      const began = this.now
      let ended = false
      this.server(this, (answered) => {
        if (ended) throw new Error('a text ended twice')
        ended = true
        if (answered) {
          this.answered++
          places.answered(1, this.now - began)
        } else {
          this.shed++
          this.after(places.shed(1, 0), () => places.rested(1))
        }
        places.inFlight--
      })
    }
    places.level.want()
  }
}

/** Numbers from 0 to 1 that are the same each time. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Works off what has gathered, one batch at a time, as a GPU does. */
export function batching(batch: number, latency: number, perItem: number): SimulatedServer {
  const waiting: ((answered: boolean) => void)[] = []
  let busy = false
  const work = (simulation: Simulation) => {
    if (busy || waiting.length === 0) return
    busy = true
    // What comes in the same moment is in the batch too.
    simulation.after(0.1, () => {
      const taken = waiting.splice(0, batch)
      simulation.after(latency + taken.length * perItem, () => {
        busy = false
        for (const end of taken) end(true)
        work(simulation)
      })
    })
  }
  return (simulation, end) => {
    waiting.push(end)
    work(simulation)
  }
}

/** Has so many texts at once, each for a while, and turns away what is more. */
export function limited(most: number, latency: number): SimulatedServer {
  let taken = 0
  return (simulation, end) => {
    if (taken >= most) {
      simulation.after(1, () => end(false))
      return
    }
    taken++
    simulation.after(latency, () => {
      taken--
      end(true)
    })
  }
}

/** Turns a share away, whatever it has to do. */
export function failing(share: number, server: SimulatedServer, random = seeded(7)): SimulatedServer {
  return (simulation, end) => {
    if (random() < share) simulation.after(1, () => end(false))
    else server(simulation, end)
  }
}

/**
 * Stand-ins for reward servers: each speaks its protocol as the real one does, and refuses what the real one refuses.
 */
import type { ProtocolName } from '../../../src/reward/protocols/index.js'
import { kserveV1 } from './kserve-v1.js'
import { kserveV2 } from './kserve-v2.js'
import { nim } from './nim.js'
import { openrlhf } from './openrlhf.js'
import { sglang } from './sglang.js'
import type { StandIn } from './stand-in.js'
import { tei } from './tei.js'
import { vllm } from './vllm.js'

export { spoken } from './nim.js'
export { HEADS, scoresOf } from './scores.js'
export type { Received, Running, StandInOptions } from './stand-in.js'

/** The stand-ins by the name of their protocol. */
export const STAND_INS: Readonly<Record<ProtocolName, StandIn>> = {
  'kserve-v2': kserveV2,
  nim,
  vllm,
  sglang,
  tei,
  openrlhf,
  'kserve-v1': kserveV1,
}

import type { Protocol } from '../protocol.js'
import { kserveV1 } from './kserve-v1.js'
import { kserveV2 } from './kserve-v2.js'
import { nim } from './nim.js'
import { openrlhf } from './openrlhf.js'
import { sglang } from './sglang.js'
import { tei } from './tei.js'
import { vllm } from './vllm.js'

/** The protocols of reward servers by name. */
export const PROTOCOLS = {
  'kserve-v2': kserveV2,
  nim,
  vllm,
  sglang,
  tei,
  openrlhf,
  'kserve-v1': kserveV1,
} as const satisfies Record<string, Protocol>

/** The name of a protocol. */
export type ProtocolName = keyof typeof PROTOCOLS

/** The names, for options and messages. */
export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as [ProtocolName, ...ProtocolName[]]

import * as z from 'zod'
import { PROTOCOL_NAMES } from '../reward/protocols/index.js'
import { AnnotateStage } from './annotate-stage.js'
import { chatTextOptions } from './chat-text-options.js'
import { attributesOption, cacheOption, durationOption, stageSpec } from './spec.js'

const address = z
  .string()
  .regex(
    /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/,
    'an address is `http://host:port` or `https://host/path`, without a name or a password',
  )

const options = z
  .strictObject({
    server: z
      .union([address, z.array(address).min(1)])
      .transform((given) => (typeof given === 'string' ? [given] : given))
      .describe('The address of the reward server, or a list of them, which share the work.'),
    protocol: z.enum(PROTOCOL_NAMES).default('kserve-v2').describe('What the server speaks.'),
    model: z.string().min(1).default('reward_model').describe('The name of the model on the server.'),
    attributes: attributesOption,
    heads: z
      .array(z.string().min(1))
      .min(1)
      .refine((list) => new Set(list).size === list.length, 'a head is named twice')
      .optional()
      .describe(
        'The names of the server’s scores in its own order, for a server with others than `attributes`; names that are not attributes are not used. Default: the attributes.',
      ),
    turns: z
      .enum(['labelled', 'assistant', 'last'])
      .default('labelled')
      .describe(
        'Which turns are scored: those that have a label (an empty one counts), all but the masked speaker’s, or the last of these.',
      ),
    round: z
      .enum(['half-even', 'none'])
      .default('half-even')
      .describe(
        'Clamp scores to their attribute’s range and round them, halves to the even one; or put them into the label as they are.',
      ),
    keep: z
      .strictObject({
        human: z.boolean().default(false).describe('The label that was there, as `human_label`.'),
        raw: z.boolean().default(false).describe('The scores as the server gave them, as `raw_scores`.'),
      })
      .prefault({})
      .describe('What is kept on the turn beside its new label.'),
    ...chatTextOptions,
    maxChars: z
      .int()
      .min(1)
      .optional()
      .describe('Most characters (code points) of a text; servers cut longer ones without a word.'),
    onLong: z
      .enum(['error', 'skip', 'cut-turns'])
      .default('error')
      .describe(
        'What becomes of a conversation with a longer text: a bad record, dropped (and counted), or turns taken off its end until it fits.',
      ),
    maxInFlight: z
      .int()
      .min(1)
      .default(1024)
      .describe('Most texts that one server has at a time; how many it gets is found by trying.'),
    maxBatch: z
      .int()
      .min(1)
      .optional()
      .describe('Most texts in one request. Default: what the protocol and the server allow.'),
    requestTimeout: durationOption
      .default(60_000)
      .describe('How long a request may take before it is sent again, such as `30s`. Default: `60s`.'),
    waitReady: durationOption
      .default(30_000)
      .describe('How long to wait while no server is ready, such as `5m`. Default: `30s`.'),
    cache: cacheOption.describe(
      'How much memory answers may take that could be asked for again, such as those of shared beginnings. Default: `64MB`.',
    ),
    apiKeyEnv: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable, not the key itself')
      .optional()
      .describe('The environment variable that holds the key for the server.'),
  })
  .superRefine(({ attributes, heads }, context) => {
    if (heads === undefined || attributes.some(({ name }) => heads.includes(name))) return
    context.addIssue({
      code: 'custom',
      message: 'none of `heads` is an attribute',
      path: ['heads'],
      input: heads,
    })
  })

/** What `annotate` is told. */
export type AnnotateSettings = z.output<typeof options>

/** Conversations scored by a reward server. */
export const annotateSpec = stageSpec({
  name: 'annotate',
  summary: 'labels from a reward-model server',
  description:
    'Each chosen turn is sent with all that was said before it, and what the server says of it becomes its label, with all attributes that the server has. Before anything is sent the server is checked: it is ready, its names and types are right, and a probe gives as many scores as there are attributes (or `heads`). Texts are asked about once, however often they occur; requests that fail are sent again, to another server first; records leave in the order in which they came.',
  options,
  main: 'server',
  accepts: ['json', 'conversation'],
  emits: () => 'conversation',
  memory: () => 'window',
  keepsOrder: true,
  free: ['server', 'maxInFlight', 'maxBatch', 'requestTimeout', 'waitReady', 'cache', 'apiKeyEnv'],
  examples: [
    { title: 'SteerLM’s own reward server', yaml: 'annotate: http://127.0.0.1:5555' },
    {
      title: 'A server with the five scores of HelpSteer, with what was known kept',
      yaml: `annotate:
    server: http://127.0.0.1:5555
    heads: [helpfulness, correctness, coherence, complexity, verbosity]
    keep: { human: true, raw: true }`,
    },
  ],
  create: (given, context) => new AnnotateStage(given, context),
})

/** A named dimension along which responses are scored. */
export interface Attribute {
  readonly name: string
  /** Lowest score. Default 0. */
  readonly min: number
  /** Highest score. Default 4. */
  readonly max: number
  /** What stands in a regression vector where a sample was not annotated. Default -100. */
  readonly sentinel: number
}

/** An attribute as definitions and scripts give it: its name alone, or with what differs from the defaults. */
export type AttributeInput =
  | string
  | {
      name: string
      min?: number | undefined
      max?: number | undefined
      sentinel?: number | undefined
    }

/** The attributes of Open Assistant's annotation. */
export const OASST_ATTRIBUTES = ['quality', 'toxicity', 'humor', 'creativity'] as const

/** The attributes of HelpSteer and HelpSteer2. */
export const HELPSTEER_ATTRIBUTES = [
  'helpfulness',
  'correctness',
  'coherence',
  'complexity',
  'verbosity',
] as const

/** SteerLM's nine attributes in the order of its regression vector. */
export const STEERLM_ATTRIBUTES = [...OASST_ATTRIBUTES, ...HELPSTEER_ATTRIBUTES] as const

/** What stands for an attribute that a sample does not have. */
export const SENTINEL = -100

/** Fills in the defaults: 0 to 4, sentinel -100. */
export function attributesFrom(inputs: readonly AttributeInput[]): Attribute[] {
  return inputs.map((input) => {
    const given = typeof input === 'string' ? { name: input } : input
    return {
      name: given.name,
      min: given.min ?? 0,
      max: given.max ?? 4,
      sentinel: given.sentinel ?? SENTINEL,
    }
  })
}

/** What to do with a score outside its attribute's range. */
export type RangePolicy = 'keep' | 'error' | 'clamp'

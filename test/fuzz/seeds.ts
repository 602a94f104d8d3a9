/**
 * Good lines of every shape that steerpipe reads: what the mutators begin with.
 */

/** What the lines of a file are, by the stages that take them. */
export const SHAPES = [
  'helpsteer2',
  'helpsteer',
  'preference',
  'tree',
  'conversation',
  'scored',
  'sample',
] as const

export type Shape = (typeof SHAPES)[number]

const tree = (id: string) => ({
  message_tree_id: id,
  tree_state: 'ready_for_export',
  prompt: {
    message_id: id,
    parent_id: null,
    text: 'What is a “stream”?\n',
    role: 'prompter',
    lang: 'en',
    labels: { quality: { value: 0.75, count: 3 } },
    replies: [
      {
        message_id: `${id}-1`,
        parent_id: id,
        text: 'Water, or bytes. 🦊',
        role: 'assistant',
        lang: 'en',
        labels: {
          quality: { value: 0.5, count: 3 },
          toxicity: { value: 0, count: 1 },
          humor: { value: 0.25, count: 2 },
          creativity: { value: 1, count: 1 },
        },
        replies: [
          { message_id: `${id}-2`, parent_id: `${id}-1`, text: 'Thanks', role: 'prompter', replies: [] },
        ],
      },
    ],
  },
})

const turns = (answer: object) => ({
  conversations: [
    { value: 'Wie groß?\t"so"', from: 'User', label: null },
    { value: 'So: \\ \u2028 日本', from: 'Assistant', ...answer },
    { value: '', from: 'User', label: null },
    { value: 'b', from: 'Assistant', ...answer },
  ],
  system: 'Be kind.',
  mask: 'User',
  type: 'VALUE_TO_TEXT',
})

const VALUES: Readonly<Record<Shape, readonly unknown[]>> = {
  helpsteer2: [
    {
      prompt: 'Was?',
      response: 'Das.',
      helpfulness: 4,
      correctness: 3,
      coherence: 4,
      complexity: 1,
      verbosity: 0,
    },
    {
      prompt: '',
      response: 'é 🦊\n',
      verbosity: 1.5,
      helpfulness: '2',
      quality: -0.0001,
      id: 12,
      more: { a: [null] },
    },
  ],
  helpsteer: [
    { prompt: 'Q', response: 'A', helpfulness: 4, correctness: 4, coherence: 4, complexity: 2, verbosity: 2 },
    {
      prompt: 'ü',
      response: '\\',
      helpfulness: 0,
      correctness: 1,
      coherence: 2,
      complexity: 3,
      verbosity: 4,
    },
  ],
  preference: [
    {
      split: 'train',
      prompt: 'p',
      response_1: 'a',
      response_2: 'b',
      preference_strength: 2,
      preference_statement: 's',
    },
    { split: 'validation', prompt: 'é', response_1: '', response_2: '\n', preference_strength: -1 },
  ],
  tree: [tree('t1'), tree('t2')],
  conversation: [
    turns({ label: 'quality:3,toxicity:0,helpfulness:4' }),
    turns({ label: 'humor:0.5, creativity: 2 ,verbosity:1e0:x,quality:-1' }),
    { conversations: [{ from: 'User', value: 'x' }], mask: 'User' },
  ],
  scored: [turns({ scores: { helpfulness: 3, quality: 2.5 } }), turns({ scores: {} })],
  sample: [
    { text: '<extra_id_0>System\nx\n<extra_id_2>', label: [-100, 0, 1.5, 4] },
    { text: '', label: [] },
  ],
}

/** The lines of a shape, without line ends; one character a byte. */
export const seedLines = (shape: Shape): readonly string[] =>
  VALUES[shape].map((value) => Buffer.from(JSON.stringify(value)).toString('latin1'))

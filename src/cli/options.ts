/** `--on-error`, of everything that runs. */
export const onErrorOption = {
  choices: ['stop', 'skip'] as const,
  default: 'stop' as const,
  requiresArg: true,
  describe: 'a bad record ends the run, or is counted and left out (exit code 3)',
}

import { type Place, SteerpipeError } from '../errors.js'
import type { OptionMistake } from './spec.js'

/**
 * The error for a mistake in an option of a stage.
 *
 * @param place where the option stands, if that is known
 * @param exact whether the place is that of the mistake itself, and not only of the option
 */
export function mistakeError(
  stage: string,
  { option, code, found, expected, fix, at }: OptionMistake,
  place?: Place,
  exact = false,
): SteerpipeError {
  const where = at === undefined || exact ? '' : `, at character ${at + 1} of \`${option}\``
  return new SteerpipeError(code, { found: found + where, expected, fix, place, stage })
}

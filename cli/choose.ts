import { BuildFailure } from '../core/domain/failures.ts';
import { nearest } from '../core/domain/nearest.ts';

/** A flag's value as one of the words it knows, or UsageInvalid with all of them and the one that was meant. */
export function choose<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((word) => word === given);
  if (found !== undefined) return found;
  const meant = nearest(given, known);
  throw new BuildFailure(
    'UsageInvalid',
    `${flag} is one of ${known.join(', ')}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
  );
}

import type { Verdict } from '../domain/run-result.ts';

/** From best to worst. An error is the worst: nothing is known, and someone must look. */
export const verdictOrder = ['pass', 'inconclusive', 'fail', 'error'] as const satisfies readonly Verdict[];

/** The worst of several verdicts; `pass` for none, as no bar was set. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  return verdictOrder.findLast((verdict) => verdicts.includes(verdict)) ?? 'pass';
}

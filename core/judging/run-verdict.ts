import type { Verdict } from '../domain/run-result.ts';
import { worstVerdict } from './verdict-order.ts';

interface JudgedVariant {
  readonly isBaseline: boolean;
  readonly verdict: Verdict;
}

/**
 * The verdict of a whole run. A sweep explores: the run passes when at least one candidate does, and a point that
 * fails is a result. Without any that passed it is the worst of them. The baseline counts only when it is alone.
 */
export function runVerdict(variants: readonly JudgedVariant[]): Verdict {
  const candidates = variants.filter(({ isBaseline }) => !isBaseline);
  const counted = (candidates.length === 0 ? variants : candidates).map(({ verdict }) => verdict);
  return counted.includes('pass') ? 'pass' : worstVerdict(counted);
}

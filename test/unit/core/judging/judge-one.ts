import type { VariantScores } from '../../../../core/domain/measurement.ts';
import { judgeVariant } from '../../../../core/judging/judge-variant.ts';
import { noise } from './scores-of.ts';

/** The verdict of one gate. */
export function judge(
  gate: [metric: string, rule: string, bound: number],
  candidate: VariantScores,
  baseline: VariantScores = {},
) {
  const [metric, rule, bound] = gate;
  const [verdict] = judgeVariant({ gates: [{ metric, rule, bound }], candidate, baseline });
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

export const base = noise(300, 1).map((value) => 40 + 20 * value);
export const shifted = (shift: number, spread = 0.5, seed = 2) => {
  const wobble = noise(base.length, seed);
  return base.map((score, i) => score + shift + spread * (wobble[i] ?? 0));
};
export const loop = 'round and '.repeat(40);

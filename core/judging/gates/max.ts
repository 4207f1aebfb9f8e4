import { judgeBound } from './judge-bound.ts';
import type { GateKind } from './gate.ts';

export const maxGate = {
  rule: 'max',
  meaning: 'The metric is at most the bound, and chance cannot have put it there.',
  bound: 'the largest value allowed, in the unit of the metric',
  allows: Number.isFinite,
  metrics: null,
  judge: (gate, context) =>
    judgeBound(gate, context, { words: 'at most', isGood: (value, bound) => value <= bound }),
} as const satisfies GateKind;

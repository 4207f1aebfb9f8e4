import { judgeBound } from './judge-bound.ts';
import type { GateKind } from './gate.ts';

export const minGate = {
  rule: 'min',
  meaning: 'The metric is at least the bound, and chance cannot have put it there.',
  bound: 'the smallest value allowed, in the unit of the metric',
  allows: Number.isFinite,
  metrics: null,
  judge: (gate, context) =>
    judgeBound(gate, context, { words: 'at least', isGood: (value, bound) => value >= bound }),
} as const satisfies GateKind;

import type { GateKind } from './gate.ts';
import { lengthRatioGate } from './length-ratio.ts';
import { maxGate } from './max.ts';
import { minGate } from './min.ts';
import { noDegenerateGate } from './no-degenerate.ts';
import { nonInferiorGate } from './non-inferior.ts';
import { relativeGate } from './relative.ts';

export const gateKinds = [
  maxGate,
  minGate,
  nonInferiorGate,
  relativeGate,
  noDegenerateGate,
  lengthRatioGate,
] as const satisfies readonly GateKind[];

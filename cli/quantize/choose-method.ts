import { BuildFailure } from '../../core/domain/failures.ts';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import { choose } from '../choose.ts';
import type { Options } from '../define-command.ts';
import { parseDecimal, parseWhole } from '../parse-number.ts';
import { refuseIdle } from './refuse-idle.ts';

export const methods = ['rtn', 'gptq', 'awq', 'smoothquant'] as const;
export type MethodName = (typeof methods)[number];
const orders = ['natural', 'activation'] as const;

/** Flags that say how codes are found. Names and defaults are those of a recipe. */
export const methodOptions = {
  method: {
    type: 'string',
    value: methods.join('|'),
    description: 'How codes are found (default: rtn, to nearest); the others look at activations.',
  },
  calibration: {
    type: 'string',
    value: 'FILE',
    description: 'Texts whose activations are looked at: plain, or JSON lines with `text`.',
  },
  samples: { type: 'string', value: 'N', description: 'Windows of the calibration (default: 64).' },
  window: { type: 'string', value: 'N', description: 'Tokens per window (default: 512).' },
  seed: { type: 'string', value: 'N', description: 'Which windows of a longer text (default: 1).' },
  statistics: {
    type: 'string',
    value: 'FOLDER|FILE',
    description: 'What capture-statistics of a recipe left, instead of --calibration.',
  },
  damp: {
    type: 'string',
    value: 'X',
    description: 'gptq only: added to the Hessian’s diagonal, as a share of its mean (default: 0.01).',
  },
  order: {
    type: 'string',
    value: orders.join('|'),
    description: 'gptq only: activation takes columns with large activations first (default: natural).',
  },
  alpha: {
    type: 'string',
    value: 'X',
    description: 'smoothquant only: how much of the difficulty moves into the weights (default: 0.5).',
  },
} as const satisfies Options;

/** The flags as given. */
export type MethodFlags = { readonly [F in keyof typeof methodOptions]: string | undefined };

/** Texts to look at, as `calibration` of a recipe. */
export interface Calibration {
  readonly file: string;
  readonly windows: number;
  /** Tokens. */
  readonly window: number;
  readonly seed: number;
}

export interface ChosenSolver {
  readonly method: SolveMethod;
  readonly look: { readonly calibration: Calibration } | { readonly statistics: string };
}

export function chooseMethodName({ method = 'rtn' }: Pick<MethodFlags, 'method'>): MethodName {
  return choose('--method', method, methods);
}

const ofCalibration = ['samples', 'window', 'seed'] as const;
const ofSolvers = ['calibration', 'statistics', ...ofCalibration] as const;
const idleFlags = {
  rtn: [...ofSolvers, 'damp', 'order', 'alpha'],
  gptq: ['alpha'],
  awq: ['damp', 'order', 'alpha'],
  smoothquant: ['damp', 'order'],
} as const satisfies Record<MethodName, readonly (keyof MethodFlags)[]>;

/** What finds the codes, null for rounding to nearest. UsageInvalid for flags that do not belong to the method. */
export function chooseSolver(flags: MethodFlags): ChosenSolver | null {
  const name = chooseMethodName(flags);
  refuseIdle(`--method ${name}`, idleFlags[name], flags);
  return name === 'rtn' ? null : { method: chooseMethod(name, flags), look: chooseLook(name, flags) };
}

function chooseMethod(name: Exclude<MethodName, 'rtn'>, { damp, order, alpha }: MethodFlags): SolveMethod {
  if (name === 'awq') return { kind: 'awq' };
  if (name === 'smoothquant')
    return { kind: 'smoothquant', alpha: parseDecimal('--alpha', alpha ?? '0.5', { least: 0, most: 1 }) };
  return {
    kind: 'gptq',
    damp: parseDecimal('--damp', damp ?? '0.01', { least: 0.0001, most: 1 }),
    order: choose('--order', order ?? 'natural', orders),
  };
}

function chooseLook(name: MethodName, flags: MethodFlags): ChosenSolver['look'] {
  const { calibration, statistics, samples, window, seed } = flags;
  if (calibration !== undefined && statistics !== undefined)
    throw new BuildFailure('UsageInvalid', 'quantize takes --calibration or --statistics, not both');
  if (statistics !== undefined) {
    refuseIdle('--statistics', ofCalibration, flags);
    return { statistics };
  }
  if (calibration === undefined)
    throw new BuildFailure(
      'UsageInvalid',
      `--method ${name} needs --calibration FILE or --statistics FOLDER`,
    );
  return {
    calibration: {
      file: calibration,
      windows: parseWhole('--samples', samples ?? '64', { least: 1, most: 4096 }),
      window: parseWhole('--window', window ?? '512', { least: 8, most: 65_536 }),
      seed: parseWhole('--seed', seed ?? '1', { least: 0, most: Number.MAX_SAFE_INTEGER }),
    },
  };
}

import { z } from 'zod';
import { BuildFailure } from '../../domain/failures.ts';

const positive = z.number().positive();

/** `rope_parameters` of config.json, or `rope_scaling` as versions of transformers before 5 wrote it. */
export const Rope = z.looseObject({
  rope_type: z.string().optional(),
  /** The older name of `rope_type`. */
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  original_max_position_embeddings: z.int().positive().optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  extrapolation_factor: z.number().optional(),
  attention_factor: z.number().optional(),
  attn_factor: z.number().optional(),
  beta_fast: z.number().optional(),
  beta_slow: z.number().optional(),
  partial_rotary_factor: z.number().optional(),
});

export type Rope = z.infer<typeof Rope>;

export interface RopeShape {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Names as in config.json, `default` when there is no scaling. Positions and lengths in tokens. */
export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly extrapolationFactor: number | undefined;
      readonly attentionFactor: number | undefined;
      readonly betaFast: number | undefined;
      readonly betaSlow: number | undefined;
    }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly originalContext: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
    };

/** Where the rope's own object leaves a value out, older models have it beside the others in config.json. */
interface Fallbacks {
  readonly rope_theta?: number | null | undefined;
  readonly original_max_position_embeddings?: number | null | undefined;
}

// What transformers assumes for all families here.
const usualTheta = 10_000;

/** Reads how positions are rotated. An unknown scaling, or one without its numbers, is FamilyUnsupported. */
export function readRope(rope: Rope, fallbacks: Fallbacks): RopeShape {
  const type = (rope.rope_type ?? rope.type ?? 'default').toLowerCase();
  const read = Object.hasOwn(scalings, type) ? scalings[type as RopeScaling['type']] : undefined;
  if (read === undefined) throw unsupported(`the rope scaling ${type} is not one of linear, yarn and llama3`);
  const originalContext =
    rope.original_max_position_embeddings ?? fallbacks.original_max_position_embeddings ?? undefined;
  return {
    theta: rope.rope_theta ?? fallbacks.rope_theta ?? usualTheta,
    scaling: read(rope, originalContext),
  };
}

const scalings: {
  readonly [T in RopeScaling['type']]: (rope: Rope, originalContext: number | undefined) => RopeScaling;
} = {
  default: () => ({ type: 'default' }),
  linear: (rope) => ({ type: 'linear', factor: needed(rope.factor, 'factor') }),
  yarn: (rope, originalContext) => ({
    type: 'yarn',
    factor: needed(rope.factor, 'factor'),
    originalContext: needed(originalContext, 'original_max_position_embeddings'),
    extrapolationFactor: rope.extrapolation_factor,
    attentionFactor: rope.attention_factor ?? rope.attn_factor,
    betaFast: rope.beta_fast,
    betaSlow: rope.beta_slow,
  }),
  // The defaults are those of transformers' `_compute_llama3_parameters`.
  llama3: (rope, originalContext) => ({
    type: 'llama3',
    factor: rope.factor ?? 8,
    originalContext: originalContext ?? 8192,
    lowFrequencyFactor: rope.low_freq_factor ?? 1,
    highFrequencyFactor: rope.high_freq_factor ?? 4,
  }),
};

function needed(value: number | undefined, key: string): number {
  if (value === undefined) throw unsupported(`config.json gives the rope scaling no ${key}`);
  return value;
}

function unsupported(message: string): BuildFailure {
  return new BuildFailure('FamilyUnsupported', message);
}

import { z } from 'zod';
import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';

const count = z.int().positive();
const positive = z.number().positive();

const Rope = z.looseObject({
  rope_type: z.string().optional(),
  /** The older name of `rope_type`. */
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  original_max_position_embeddings: count.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  extrapolation_factor: z.number().optional(),
  attention_factor: z.number().optional(),
  attn_factor: z.number().optional(),
  beta_fast: z.number().optional(),
  beta_slow: z.number().optional(),
  partial_rotary_factor: z.number().optional(),
});

/** The keys of a decoder's config.json that its weights and its engines depend on (transformers' `PretrainedConfig`). */
const Config = z.looseObject({
  architectures: z.array(z.string()).min(1),
  num_hidden_layers: count,
  hidden_size: count,
  intermediate_size: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  vocab_size: count,
  max_position_embeddings: count,
  rms_norm_eps: positive,
  hidden_act: z.string().default('silu'),
  tie_word_embeddings: z.boolean().nullish(),
  rope_theta: positive.nullish(),
  rope_parameters: Rope.nullish(),
  rope_scaling: Rope.nullish(),
  partial_rotary_factor: z.number().nullish(),
  original_max_position_embeddings: count.nullish(),
  use_sliding_window: z.boolean().nullish(),
});
type Config = z.infer<typeof Config>;

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
      readonly extrapolationFactor?: number;
      readonly attentionFactor?: number;
      readonly betaFast?: number;
      readonly betaSlow?: number;
    }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly originalContext: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
    };

/** The sizes of a decoder-only transformer, from its config.json. */
export interface ModelShape {
  readonly architecture: string;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Whether config.json names the head size; if not it follows from hidden and heads. */
  readonly headSizeNamed: boolean;
  readonly vocabulary: number;
  /** Longest sequence in tokens. */
  readonly context: number;
  readonly rmsEpsilon: number;
  /** Whether the output matrix is the embedding matrix. */
  readonly tied: boolean;
  readonly rope: RopeShape;
}

/** Reads config.json. A missing key or a feature no family here has is FamilyUnsupported, naming it. */
export function readModelShape(json: Json): ModelShape {
  const parsed = Config.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unsupported(`config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`);
  }
  const config = parsed.data;
  checkFeatures(config);
  return {
    architecture: config.architectures[0] ?? '',
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    intermediate: config.intermediate_size,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headSize: headSizeOf(config),
    headSizeNamed: typeof config.head_dim === 'number',
    vocabulary: config.vocab_size,
    context: config.max_position_embeddings,
    rmsEpsilon: config.rms_norm_eps,
    tied: config.tie_word_embeddings ?? false,
    rope: readRope(config),
  };
}

function checkFeatures(config: Config): void {
  if (config.hidden_act !== 'silu') throw unsupported(`the activation ${config.hidden_act} is not silu`);
  if (config.use_sliding_window === true) throw unsupported('the model uses sliding-window attention');
  const rotary = config.partial_rotary_factor ?? config.rope_parameters?.partial_rotary_factor ?? 1;
  if (rotary !== 1) throw unsupported('the model rotates only a part of each head');
}

function headSizeOf(config: Config): number {
  const headSize = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  if (Number.isInteger(headSize) && headSize % 2 === 0) return headSize;
  throw unsupported(`the head size ${headSize} is no even number`);
}

/** transformers 5 writes `rope_parameters`, earlier versions `rope_theta` and `rope_scaling`. */
function readRope(config: Config): RopeShape {
  const rope = config.rope_parameters ?? config.rope_scaling ?? {};
  return {
    // 10,000 is what transformers assumes for all families here.
    theta: rope.rope_theta ?? config.rope_theta ?? 10_000,
    scaling: readScaling(rope, config),
  };
}

function readScaling(rope: z.infer<typeof Rope>, config: Config): RopeScaling {
  const type = (rope.rope_type ?? rope.type ?? 'default').toLowerCase();
  const originalContext = rope.original_max_position_embeddings ?? config.original_max_position_embeddings ?? undefined;
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
      return { type, factor: needed(rope.factor, 'factor') };
    case 'yarn':
      return {
        type,
        factor: needed(rope.factor, 'factor'),
        originalContext: needed(originalContext, 'original_max_position_embeddings'),
        ...optional('extrapolationFactor', rope.extrapolation_factor),
        ...optional('attentionFactor', rope.attention_factor ?? rope.attn_factor),
        ...optional('betaFast', rope.beta_fast),
        ...optional('betaSlow', rope.beta_slow),
      };
    case 'llama3':
      // The defaults are those of transformers' `_compute_llama3_parameters`.
      return {
        type,
        factor: rope.factor ?? 8,
        originalContext: originalContext ?? 8192,
        lowFrequencyFactor: rope.low_freq_factor ?? 1,
        highFrequencyFactor: rope.high_freq_factor ?? 4,
      };
    default:
      throw unsupported(`the rope scaling ${type} is not one of linear, yarn and llama3`);
  }
}

function optional<K extends string>(key: K, value: number | undefined) {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: number };
}

function needed(value: number | undefined, key: string): number {
  if (value === undefined) throw unsupported(`config.json gives the rope scaling no ${key}`);
  return value;
}

function unsupported(message: string): BuildFailure {
  return new BuildFailure('FamilyUnsupported', message);
}

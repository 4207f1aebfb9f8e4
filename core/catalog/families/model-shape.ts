import { z } from 'zod';
import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';
import { readRope, Rope, type RopeShape } from './rope-shape.ts';

// Far beyond any model, and near enough that a list with an entry for each layer is small.
const mostLayers = 10_000;
const count = z
  .int()
  .positive()
  .max(2 ** 31);
const positive = z.number().positive();

/** The keys of a decoder's config.json that its weights and its engines depend on (transformers' `PretrainedConfig`). */
const Config = z.looseObject({
  architectures: z.array(z.string()).min(1),
  num_hidden_layers: count.max(mostLayers),
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
  /** Whether the output matrix is the embedding matrix; undefined where config.json leaves it to the stored tensors. */
  readonly tied: boolean | undefined;
  readonly rope: RopeShape;
}

/** Reads config.json. A missing key or a feature no family here has is FamilyUnsupported, naming it. */
export function readModelShape(json: Json): ModelShape {
  const config = parseConfig(json);
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
    tied: config.tie_word_embeddings ?? undefined,
    rope: readRope(config.rope_parameters ?? config.rope_scaling ?? {}, config),
  };
}

function parseConfig(json: Json): Config {
  const parsed = Config.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw unsupported(`config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`);
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

function unsupported(message: string): BuildFailure {
  return new BuildFailure('FamilyUnsupported', message);
}

import type { ModelFamily } from '../../catalog/families/contract.ts';
import type { ModelShape } from '../../catalog/families/model-shape.ts';
import type { RopeScaling } from '../../catalog/families/rope-shape.ts';
import { BuildFailure } from '../../domain/failures.ts';
import type { GgufFloatType } from './convert-floats.ts';
import type { BlockType } from './pack-blocks.ts';
import { f32, type GgufEntry, text, u32 } from './metadata.ts';

// `llama_ftype` (ggml-org/llama.cpp include/llama.h).
const fileTypes = { F32: 0, F16: 1, BF16: 32, Q4_0: 2, Q8_0: 7 } as const satisfies Record<
  GgufFloatType | BlockType,
  number
>;
/** The type of most matrices. */
export type GgufFileType = keyof typeof fileTypes;
// `GGML_QNT_VERSION` (ggml-org/ggml include/ggml.h).
const quantizationVersion = 2;

/** The `general.*` keys of a model or an adapter. `name` is for people. */
export function generalMetadata(facts: {
  readonly architecture: string;
  readonly kind: 'model' | 'adapter';
  readonly name: string;
  readonly fileType: GgufFileType;
}): GgufEntry[] {
  return [
    ['general.architecture', text(facts.architecture)],
    ['general.type', text(facts.kind)],
    ['general.name', text(facts.name)],
    ['general.file_type', u32(fileTypes[facts.fileType])],
    ['general.quantization_version', u32(quantizationVersion)],
  ];
}

/** The keys of a decoder's sizes, under its architecture's prefix (ggml-org/ggml docs/gguf.md, "LLM"). */
export function modelMetadata(family: ModelFamily, shape: ModelShape): GgufEntry[] {
  const extra = Object.entries(family.gguf.extraKeys(shape)).map(([key, value]): GgufEntry => [
    key,
    u32(value),
  ]);
  const entries: GgufEntry[] = [
    ['block_count', u32(shape.layers)],
    ['context_length', u32(shape.context)],
    ['embedding_length', u32(shape.hidden)],
    ['feed_forward_length', u32(shape.intermediate)],
    ['attention.head_count', u32(shape.heads)],
    ['attention.head_count_kv', u32(shape.keyValueHeads)],
    ...ropeMetadata(family, shape.rope.scaling),
    ['rope.freq_base', f32(shape.rope.theta)],
    ['attention.layer_norm_rms_epsilon', f32(shape.rmsEpsilon)],
    ...extra,
  ];
  return entries.map(([key, value]) => [`${family.gguf.architecture}.${key}`, value]);
}

/** Llama 3's scaling has no keys: its factors are a tensor. */
function ropeMetadata(family: ModelFamily, scaling: RopeScaling): GgufEntry[] {
  if (!family.gguf.ropeScalings.includes(scaling.type)) {
    const known = family.gguf.ropeScalings.join(', ');
    throw new BuildFailure(
      'FamilyUnsupported',
      `llama.cpp has no ${scaling.type} rope scaling for ${family.title}; it has ${known}`,
    );
  }
  if (scaling.type !== 'linear' && scaling.type !== 'yarn') return [];
  const entries: GgufEntry[] = [
    ['rope.scaling.type', text(scaling.type)],
    ['rope.scaling.factor', f32(scaling.factor)],
  ];
  return scaling.type === 'linear' ? entries : [...entries, ...yarnMetadata(scaling)];
}

function yarnMetadata(scaling: Extract<RopeScaling, { type: 'yarn' }>): GgufEntry[] {
  const options = {
    yarn_ext_factor: scaling.extrapolationFactor,
    yarn_attn_factor: scaling.attentionFactor,
    yarn_beta_fast: scaling.betaFast,
    yarn_beta_slow: scaling.betaSlow,
  };
  const entries: GgufEntry[] = [['rope.scaling.original_context_length', u32(scaling.originalContext)]];
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined) entries.push([`rope.scaling.${key}`, f32(value)]);
  }
  return entries;
}

import type { FamilyTensor } from '../../catalog/families/contract.ts';
import { type ModelShape, readModelShape } from '../../catalog/families/model-shape.ts';
import { familyOf } from '../../catalog/families/registry.ts';
import type { Json } from '../../domain/json.ts';
import type { WeightTensor } from '../tensor.ts';
import { readVocabulary } from '../tokenizer/read-vocabulary.ts';
import type { TokenizerFiles } from '../tokenizer/vocabulary.ts';
import type { GgufFloatType } from './convert-floats.ts';
import { type GgufLayout, type GgufTensorSpec, layOutGguf } from './layout.ts';
import { type FloatTensor, matchTensors } from './match-tensors.ts';
import type { GgufEntry } from './metadata.ts';
import { generalMetadata, modelMetadata } from './model-metadata.ts';
import { llama3RopeFactors } from './rope-factors.ts';
import { tokenizerMetadata } from './tokenizer-metadata.ts';

/** Where the bytes of one tensor of the file come from. */
export type TensorContent =
  | { readonly kind: 'literal'; readonly values: Float32Array }
  | {
      readonly kind: 'file';
      readonly source: FloatTensor;
      /** Rows of one head, when rows are to be interleaved within each head. */
      readonly interleavedRows?: number;
    };

/** A GGUF file to be written: contents in the order of `layout.tensors`. */
export interface GgufPlan {
  readonly architecture: string;
  readonly metadata: readonly GgufEntry[];
  readonly layout: GgufLayout;
  readonly contents: readonly TensorContent[];
}

export interface ModelGgufRequest {
  /** config.json, parsed. */
  readonly config: Json;
  readonly tokenizer: TokenizerFiles;
  readonly tensors: readonly WeightTensor[];
  readonly floatType: GgufFloatType;
  /** `general.name`; default is the family's id, so that equal models give equal files wherever they lie. */
  readonly name?: string;
}

/**
 * Plans the GGUF file of a model in Hugging Face layout: which tensors, in which type, with which metadata. Matrices get
 * the asked type, vectors stay in single precision, which is what ggml's kernels expect. Throws FamilyUnsupported,
 * TokenizerUnsupported and WeightsUnsupported.
 */
export function planModelGguf(request: ModelGgufRequest): GgufPlan {
  const shape = readModelShape(request.config);
  const family = familyOf(shape.architecture);
  const { architecture } = family.gguf;
  const matched = matchTensors(family.tensors(shape), request.tensors);
  const vocabulary = readVocabulary(request.tokenizer, {
    vocabularySize: shape.vocabulary,
    config: request.config,
  });
  const metadata = [
    ...generalMetadata({
      architecture,
      kind: 'model',
      name: request.name ?? family.id,
      floatType: request.floatType,
    }),
    ...modelMetadata(family, shape),
    ...tokenizerMetadata(vocabulary),
  ];
  const specs: GgufTensorSpec[] = [];
  const contents: TensorContent[] = [];
  const { scaling, theta } = shape.rope;
  if (scaling.type === 'llama3') {
    const values = llama3RopeFactors(scaling, theta, shape.headSize);
    specs.push({ name: 'rope_freqs.weight', type: 'F32', shape: [values.length] });
    contents.push({ kind: 'literal', values });
  }
  for (const { declared, source } of matched) {
    specs.push(specOf(declared, request.floatType));
    contents.push({ kind: 'file', source, ...interleaving(declared, shape) });
  }
  return { architecture, metadata, layout: layOutGguf(metadata, specs), contents };
}

function specOf(declared: FamilyTensor, floatType: GgufFloatType): GgufTensorSpec {
  const type = declared.shape.length > 1 ? floatType : 'F32';
  return { name: declared.gguf.name, type, shape: declared.shape };
}

export function interleaving(
  declared: FamilyTensor,
  shape: ModelShape,
): { readonly interleavedRows?: number } {
  return declared.gguf.interleaved === true ? { interleavedRows: shape.headSize } : {};
}

import type { FamilyTensor } from '../../catalog/families/contract.ts';
import { type ModelShape, readModelShape } from '../../catalog/families/model-shape.ts';
import { familyOf } from '../../catalog/families/registry.ts';
import type { Json } from '../../domain/json.ts';
import { tiesLayers } from '../embedding-names.ts';
import type { IntegerLinear, QuantizedLinear } from '../quantized/quantized-linear.ts';
import type { WeightTensor } from '../tensor.ts';
import { readVocabulary } from '../tokenizer/read-vocabulary.ts';
import type { TokenizerFiles } from '../tokenizer/vocabulary.ts';
import type { GgufFloatType } from './convert-floats.ts';
import { type GgufLayout, type GgufTensorSpec, layOutGguf } from './layout.ts';
import { type FloatTensor, matchTensors } from './match-tensors.ts';
import type { GgufEntry } from './metadata.ts';
import { type GgufFileType, generalMetadata, modelMetadata } from './model-metadata.ts';
import { blockColumns, type BlockType } from './pack-blocks.ts';
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
    }
  | {
      /** Integers that are quantized already, as blocks of the type. */
      readonly kind: 'blocks';
      readonly linear: IntegerLinear;
      readonly type: BlockType;
      readonly interleavedRows?: number;
    }
  | {
      /** Codes that have no blocks of ggml's own, as the floats that they stand for. */
      readonly kind: 'decoded';
      readonly linear: QuantizedLinear;
      readonly interleavedRows?: number;
    };

/** A GGUF file to be written: contents in the order of `layout.tensors`. */
export interface GgufPlan {
  readonly architecture: string;
  readonly metadata: readonly GgufEntry[];
  readonly layout: GgufLayout;
  readonly contents: readonly TensorContent[];
}

export interface CodedLinear {
  /** With zeros and an order of its columns only where they say something. */
  readonly linear: QuantizedLinear;
  /** Every scale is a binary16 number, which ggml's blocks are made of. */
  readonly hasHalfScales: boolean;
}

export interface ModelGgufRequest {
  /** config.json, parsed. */
  readonly config: Json;
  readonly tokenizer: TokenizerFiles;
  readonly tensors: readonly WeightTensor[];
  /** Linears that are quantized already; their tensors are none of `tensors`. */
  readonly quantized?: readonly CodedLinear[];
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
  const codedBy = new Map((request.quantized ?? []).map((coded) => [`${coded.linear.module}.weight`, coded]));
  const tensors = [...request.tensors, ...[...codedBy.values()].map(standIn)];
  const stated = readModelShape(request.config);
  const shape = { ...stated, tied: tiesLayers({ tiesWordEmbeddings: stated.tied }, tensors) };
  const family = familyOf(shape.architecture);
  const { architecture } = family.gguf;
  const matched = matchTensors(family.tensors(shape), tensors);
  const vocabulary = readVocabulary(request.tokenizer, {
    vocabularySize: shape.vocabulary,
    config: request.config,
  });
  const metadata = [
    ...generalMetadata({
      architecture,
      kind: 'model',
      name: request.name ?? family.id,
      fileType: fileTypeOf(request),
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
    const coded = codedBy.get(source.name);
    const rows = interleaving(declared, shape);
    const content = coded === undefined ? ({ kind: 'file', source } as const) : contentOf(coded);
    const type = content.kind === 'blocks' ? content.type : floatTypeOf(declared, request.floatType);
    specs.push({ name: declared.gguf.name, type, shape: declared.shape });
    contents.push({ ...content, ...rows });
  }
  return { architecture, metadata, layout: layOutGguf(metadata, specs), contents };
}

function fileTypeOf({ quantized = [], floatType }: ModelGgufRequest): GgufFileType {
  const types = quantized.map((coded) => contentOf(coded));
  return types.find((content) => content.kind === 'blocks')?.type ?? floatType;
}

/** A float matrix of the same name and shape, to be matched with what the family declares. */
function standIn({ linear: { module, rows, columns, codes } }: CodedLinear): WeightTensor {
  const bytes = 2 * rows * columns;
  return {
    name: `${module}.weight`,
    dtype: 'F16',
    shape: [rows, columns],
    bytes,
    file: codes.file,
    offset: 0,
  };
}

type LinearContent = Extract<TensorContent, { kind: 'blocks' }> | Extract<TensorContent, { kind: 'decoded' }>;

/** Blocks of 32 hold codes of symmetric grids unchanged when no block crosses a group; all other codes become floats. */
function contentOf({ linear, hasHalfScales }: CodedLinear): LinearContent {
  if (linear.kind !== 'integer' || !hasHalfScales) return { kind: 'decoded', linear };
  const { bits, group, columns, zeros, groupIndex } = linear;
  const size = group ?? columns;
  const fits = columns % size === 0 && size % blockColumns === 0;
  if (!fits || zeros !== undefined || groupIndex !== undefined) return { kind: 'decoded', linear };
  return { kind: 'blocks', linear, type: bits === 4 ? 'Q4_0' : 'Q8_0' };
}

function floatTypeOf(declared: FamilyTensor, floatType: GgufFloatType): GgufFloatType {
  return declared.shape.length > 1 ? floatType : 'F32';
}

export function interleaving(
  declared: FamilyTensor,
  shape: ModelShape,
): { readonly interleavedRows?: number } {
  return declared.gguf.interleaved === true ? { interleavedRows: shape.headSize } : {};
}

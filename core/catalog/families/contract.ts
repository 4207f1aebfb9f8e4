import type { ModelShape } from './model-shape.ts';
import type { RopeScaling } from './rope-shape.ts';

/**
 * A family of models: what its tensors are called in Hugging Face's layout and what each format calls them. A family
 * only declares; code that converts asks these declarations and never a family's name.
 */
export interface ModelFamily {
  readonly id: string;
  /** For people. */
  readonly title: string;
  /** `architectures[0]` of config.json. */
  readonly architectures: readonly string[];
  /** Every tensor a model of this shape may have, in the order in which it is used. */
  readonly tensors: (shape: ModelShape) => readonly FamilyTensor[];
  readonly gguf: GgufDeclaration;
}

export interface FamilyTensor {
  /** Name in Hugging Face's layout. */
  readonly name: string;
  /** Row-major, in items; a matrix is [out, in]. */
  readonly shape: readonly number[];
  /** May be absent; all others must be there. */
  readonly optional?: true;
  readonly gguf: {
    readonly name: string;
    /** Rows are interleaved within each head, because ggml rotates neighbouring rows. */
    readonly interleaved?: true;
  };
}

export interface GgufDeclaration {
  /** `general.architecture` (ggml-org/llama.cpp src/llama-arch.cpp). */
  readonly architecture: string;
  /** Scalings llama.cpp applies for this architecture. */
  readonly ropeScalings: readonly RopeScaling['type'][];
  /** Keys, without the architecture's prefix, that only this family writes; values are unsigned 32-bit. */
  readonly extraKeys: (shape: ModelShape) => { readonly [key: string]: number };
}

export function defineFamily(family: ModelFamily): ModelFamily {
  return family;
}

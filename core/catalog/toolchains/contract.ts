import type { JsonObject } from '../../domain/json.ts';
import type { Method, OptionsOf } from '../quantizations/registry.ts';

/** How a toolchain spells a quantization, or the reason why it cannot. */
export type Spelling =
  | {
      /** Parameters of our own `quantize` step before the conversion; left out where the toolchain quantizes. */
      readonly quantize?: JsonObject;
      readonly checkpoint: JsonObject;
      readonly build: JsonObject;
      readonly note?: string;
    }
  | { readonly unsupported: string };

/** Every method must be answered for: a missing cell does not compile, and the table is the matrix in the docs. */
export type SpellingTable = { readonly [M in Method]: (options: OptionsOf<M>) => Spelling };

export interface Toolchain {
  readonly id: string;
  readonly title: string;
  /** Task queue of the workers that have it. */
  readonly queue: string;
  readonly quantizations: SpellingTable;
  /** Model families it can build, by the catalog's ids. */
  readonly families: readonly string[];
  readonly runTimeAdapters: boolean;
}

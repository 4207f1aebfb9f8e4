import type { Digest } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { MergeReport } from '../../core/domain/merge-report.ts';
import type { EffectScope } from '../../core/domain/progress.ts';

/** The weight tools as steps use them; system/weights/weight-tools.ts is the one implementation. */
export interface WeightTools {
  convert(
    request: { readonly from: string; readonly to: string; readonly format: 'safetensors' | 'bin' },
    scope: EffectScope,
  ): Promise<JsonObject>;
  /** What the weights of a folder are, whatever files hold them; null where it holds none that can be read. */
  identify(folder: string, scope: EffectScope): Promise<Digest | null>;
  compare(a: string, b: string, scope: EffectScope): Promise<Comparison>;
  merge(
    request: {
      readonly base: string;
      readonly baseName?: string;
      readonly adapters: readonly {
        readonly folder: string;
        readonly weight: number;
        readonly label?: string;
        readonly source?: string;
      }[];
      readonly out: string;
      readonly rounding: MergeReport['rounding'];
      readonly newRows: 'refuse' | 'mean';
      readonly anyBase?: boolean;
    },
    scope: EffectScope,
  ): Promise<MergeReport>;
  /** By rounding to nearest, or by a method that looks at the statistics of captured activations. */
  quantize(
    request: {
      readonly from: string;
      readonly statisticsFolder: string | null;
      /** `method`, grid and the method's own settings, as the toolchain's table in the catalog spells them. */
      readonly parameters: JsonObject;
      readonly out: string;
    },
    scope: EffectScope,
  ): Promise<JsonObject>;
}

export interface Comparison {
  readonly equal: boolean;
  readonly differences: readonly {
    readonly tensor: string;
    readonly reason: string;
    /** Where the bytes differ and were counted (core/formats/count-differences.ts). */
    readonly items?: number;
    readonly different?: number;
    readonly maxAbs?: number | null;
  }[];
  /** Tensors whose bytes were compared. */
  readonly tensors: number;
  /** What both are, independent of format and files (core/formats/tensor-manifest.ts); null when they differ. */
  readonly root: string | null;
  /** Names taken as equal by a record, totals that do not fit, entries that are no tensors. */
  readonly notices: readonly string[];
}

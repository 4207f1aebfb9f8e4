import type { JsonObject } from '../../core/domain/json.ts';
import type { EffectScope } from '../../core/domain/progress.ts';

/** The weight tools as steps use them; system/weights/weight-tools.ts is the one implementation. */
export interface WeightTools {
  convert(
    request: { readonly from: string; readonly to: string; readonly format: 'safetensors' | 'bin' },
    scope: EffectScope,
  ): Promise<JsonObject>;
  compare(a: string, b: string, scope: EffectScope): Promise<Comparison>;
  merge(
    request: {
      readonly base: string;
      readonly adapters: readonly { readonly folder: string; readonly weight: number }[];
      readonly out: string;
      readonly rounding: 'peft-default' | 'peft-safe' | 'once';
    },
    scope: EffectScope,
  ): Promise<JsonObject>;
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
  readonly differences: readonly { readonly tensor: string; readonly reason: string }[];
  /** Tensors compared. */
  readonly tensors: number;
}

import type { JsonObject } from '../../domain/json.ts';
import type { FloatDtype, MatrixRange, Piece } from '../../domain/weights-plan.ts';
import type { TensorSpec } from '../tensor.ts';
import type { QuantizationScheme } from './scheme.ts';
import type { SolvedLinear } from './solved-tensors.ts';

export type ScaleDtype = Exclude<FloatDtype, 'F64'>;

/** A tensor of a quantized file, with where its bytes come from. */
export interface PlannedPart extends TensorSpec {
  readonly piece: Piece;
}

/** A linear about to be quantized. */
export interface Linear {
  /** E.g. `model.layers.0.mlp.up_proj`. */
  readonly module: string;
  /** W [out, in]. */
  readonly matrix: MatrixRange;
  readonly scaleDtype: ScaleDtype;
  /** W of the linears that engines run as one with this one, without its own. */
  readonly fusedWith: readonly MatrixRange[];
  /** Codes that a solver found; without them W is rounded to nearest. */
  readonly solved?: SolvedLinear;
}

/** Which linears of the model are quantized and which stay as they are; module names. */
export interface QuantizedModules {
  readonly quantized: readonly string[];
  readonly kept: readonly string[];
}

/** A way to store quantized linears. Its entry answers for tensors and config alike, so that both always agree. */
export interface QuantizedFormat {
  /** dtype of stored scales when nobody asks for another; `matrix` that of the weight itself. */
  readonly scales: 'matrix' | 'F16';
  /** The stored parts of one linear. QuantizationUnfit when W's shape does not fit. */
  readonly parts: (linear: Linear, scheme: QuantizationScheme) => readonly PlannedPart[];
  /** `quantization_config` of config.json. */
  readonly config: (scheme: QuantizationScheme, modules: QuantizedModules) => JsonObject;
}

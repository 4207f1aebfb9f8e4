import type { JsonObject } from '../../domain/json.ts';
import type { Fp8Grid, Grid, IntegerGrid } from '../../domain/quantize-pieces.ts';
import type { Linear, PlannedPart, QuantizedFormat } from './format.ts';
import {
  codesPiece,
  groupCount,
  integersPiece,
  requireMultiple,
  scalesPiece,
  tensorScalePiece,
  zerosPiece,
} from './linear-pieces.ts';
import type { QuantizationScheme } from './scheme.ts';

/**
 * The format of vLLM's compressed-tensors package, which transformers, vLLM and SGLang read: `pack-quantized` (integers
 * packed into I32, weight only), `int-quantized` (I8, with quantized activations), `float-quantized` (FP8 e4m3) and
 * `nvfp4-pack-quantized` (src/compressed_tensors/compressors, quantization/quant_args.py, quant_config.py).
 */
export const compressedTensors: QuantizedFormat = {
  scales: 'matrix',
  parts: (linear, scheme) => partsOf(linear, scheme.grid, formatOf(scheme)),
  config: (scheme, { kept }) => ({
    quant_method: 'compressed-tensors',
    format: formatOf(scheme),
    quantization_status: 'compressed',
    config_groups: {
      group_0: {
        targets: ['Linear'],
        weights: weightArguments(scheme.grid),
        input_activations: scheme.activations === 'none' ? null : activationArguments(scheme.grid),
        output_activations: null,
      },
    },
    ignore: [...kept],
    kv_cache_scheme: null,
    global_compression_ratio: null,
  }),
};

type Format = 'pack-quantized' | 'int-quantized' | 'float-quantized' | 'nvfp4-pack-quantized';

function formatOf({ grid, activations }: QuantizationScheme): Format {
  if (grid.kind === 'fp8') return 'float-quantized';
  if (grid.kind === 'nvfp4') return 'nvfp4-pack-quantized';
  return activations === 'none' ? 'pack-quantized' : 'int-quantized';
}

function partsOf(linear: Linear, grid: Grid, format: Format): readonly PlannedPart[] {
  if (grid.kind === 'fp8') return fp8Parts(linear, grid);
  if (grid.kind === 'nvfp4') return nvfp4Parts(linear, grid);
  requireMultiple(linear, 'input', grid.group ?? 1);
  return format === 'pack-quantized' ? packedParts(linear, grid) : int8Parts(linear, grid);
}

function packedParts(linear: Linear, grid: IntegerGrid): readonly PlannedPart[] {
  const { module, matrix, scaleDtype } = linear;
  const { rows, columns } = matrix;
  const perWord = 32 / grid.bits;
  requireMultiple(linear, 'input', perWord);
  const target = { linear, grid, layout: 'packed-in' } as const;
  const groups = groupCount(linear, grid.group);
  const packed = `${module}.weight_packed`;
  const scale = `${module}.weight_scale`;
  const zero = `${module}.weight_zero_point`;
  return [
    { name: packed, dtype: 'I32', shape: [rows, columns / perWord], piece: codesPiece(target, packed) },
    { name: scale, dtype: scaleDtype, shape: [rows, groups], piece: scalesPiece(target, scale) },
    {
      name: `${module}.weight_shape`,
      dtype: 'I64',
      shape: [2],
      piece: integersPiece([rows, columns], 'I64'),
    },
    ...(grid.symmetric
      ? []
      : [
          {
            name: zero,
            dtype: 'I32',
            shape: [Math.ceil(rows / perWord), groups],
            piece: zerosPiece(target, zero),
          } as const,
        ]),
  ];
}

function int8Parts(linear: Linear, grid: IntegerGrid): readonly PlannedPart[] {
  const { module, matrix, scaleDtype } = linear;
  const { rows, columns } = matrix;
  const target = { linear, grid, layout: 'bytes' } as const;
  const weight = `${module}.weight`;
  const scale = `${module}.weight_scale`;
  return [
    { name: weight, dtype: 'I8', shape: [rows, columns], piece: codesPiece(target, weight) },
    {
      name: scale,
      dtype: scaleDtype,
      shape: [rows, groupCount(linear, grid.group)],
      piece: scalesPiece(target, scale),
    },
  ];
}

function fp8Parts(linear: Linear, grid: Fp8Grid): readonly PlannedPart[] {
  const { module, matrix, scaleDtype } = linear;
  const { rows, columns } = matrix;
  const [down, along] = grid.block;
  requireMultiple(linear, 'input', along ?? 1);
  const target = { linear, grid, layout: 'bytes' } as const;
  const weight = `${module}.weight`;
  const scale = `${module}.weight_scale`;
  const shape = down === null ? [1] : [Math.ceil(rows / down), along === null ? 1 : columns / along];
  return [
    { name: weight, dtype: 'F8_E4M3', shape: [rows, columns], piece: codesPiece(target, weight) },
    { name: scale, dtype: scaleDtype, shape, piece: scalesPiece(target, scale) },
  ];
}

// Fixed by the format: 16 columns share an e4m3 scale.
const nvfp4Group = 16;

function nvfp4Parts(linear: Linear, grid: Grid): readonly PlannedPart[] {
  const { module, matrix } = linear;
  const { rows, columns } = matrix;
  requireMultiple(linear, 'input', nvfp4Group);
  const target = { linear, grid, layout: 'column-pairs' } as const;
  const packed = `${module}.weight_packed`;
  const scale = `${module}.weight_scale`;
  const whole = `${module}.weight_global_scale`;
  return [
    { name: packed, dtype: 'U8', shape: [rows, columns / 2], piece: codesPiece(target, packed) },
    { name: scale, dtype: 'F8_E4M3', shape: [rows, columns / nvfp4Group], piece: scalesPiece(target, scale) },
    { name: whole, dtype: 'F32', shape: [1], piece: tensorScalePiece(target, whole) },
  ];
}

/** Only keys that every release knows: older ones refuse a config with a key that came later. */
function weightArguments(grid: Grid): JsonObject {
  const common = { symmetric: true, dynamic: false, group_size: null, block_structure: null, actorder: null };
  if (grid.kind === 'nvfp4')
    return { ...common, num_bits: 4, type: 'float', strategy: 'tensor_group', group_size: nvfp4Group };
  if (grid.kind === 'fp8') return { ...common, num_bits: 8, type: 'float', ...fp8Strategy(grid) };
  return {
    ...common,
    num_bits: grid.bits,
    type: 'int',
    symmetric: grid.symmetric,
    strategy: grid.group === null ? 'channel' : 'group',
    group_size: grid.group,
  };
}

function fp8Strategy({ block: [rows, columns] }: Fp8Grid): JsonObject {
  if (rows === null) return { strategy: 'tensor' };
  return columns === null ? { strategy: 'channel' } : { strategy: 'block', block_structure: [rows, columns] };
}

/** Per token, or per 128 features of a token where the weights have blocks. */
function activationArguments(grid: Grid): JsonObject {
  const blocked = grid.kind === 'fp8' && grid.block[1] !== null;
  return {
    num_bits: 8,
    type: grid.kind === 'fp8' ? 'float' : 'int',
    symmetric: true,
    dynamic: true,
    strategy: blocked ? 'group' : 'token',
    group_size: blocked ? grid.block[1] : null,
    block_structure: null,
    actorder: null,
  };
}

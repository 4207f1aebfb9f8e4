import type { Fp8Linear, Nvfp4Linear } from './quantized-linear.ts';
import { checkParts, corruptLinear, type LinearParts, oneNumber, scaleDtypes } from './stored-form.ts';

/** Scales of what goes in or comes out, which engines use that quantize activations with numbers found before. */
export const activationParts = [
  'input_scale',
  'input_zero_point',
  'input_global_scale',
  'output_scale',
] as const;

/** An FP8 linear with `weight` and its scales, one for each block; [null, null] is per tensor, [1, null] per row. */
export function fp8Linear(
  { module, codes, part }: LinearParts,
  block: Fp8Linear['block'],
  name: string,
): Fp8Linear {
  const [rows = 0, columns = 0] = codes.shape;
  const scales = part(name);
  const linear = { kind: 'fp8', module, rows, columns, block, codes, scales } as const;
  checkParts(linear, [
    { tensor: codes, dtypes: ['F8_E4M3'], shape: [rows, columns] },
    { tensor: scales, dtypes: scaleDtypes, shape: scaleShape(linear) },
  ]);
  return linear;
}

function scaleShape({ rows, columns, block: [down, along], scales }: Fp8Linear): readonly number[] {
  if (down === null) return oneNumber(scales);
  if (along === null && scales.shape.length === 1) return [rows];
  return [Math.ceil(rows / down), along === null ? 1 : Math.ceil(columns / along)];
}

// Fixed by the format: 16 columns share an e4m3 scale.
const nvfp4Group = 16;

/** An NVFP4 linear with `weight_scale` and the scale of the tensor, which bears another name in each format. */
export function nvfp4Linear(
  { module, codes, part }: LinearParts,
  name: string,
  reciprocal: boolean,
): Nvfp4Linear {
  const [rows = 0, bytes = 0] = codes.shape;
  const columns = bytes * 2;
  const [scales, tensorScale] = [part('weight_scale'), part(name)];
  if (columns % nvfp4Group !== 0)
    throw corruptLinear(module, `has ${columns} columns, no multiple of ${nvfp4Group}`);
  const linear = { kind: 'nvfp4', module, rows, columns, codes, scales, tensorScale, reciprocal } as const;
  checkParts(linear, [
    { tensor: codes, dtypes: ['U8'], shape: [rows, bytes] },
    { tensor: scales, dtypes: ['F8_E4M3'], shape: [rows, columns / nvfp4Group] },
    { tensor: tensorScale, dtypes: ['F32'], shape: oneNumber(tensorScale) },
  ]);
  return linear;
}

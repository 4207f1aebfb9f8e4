import type { IntegerGrid } from '../../domain/quantize-pieces.ts';
import type { PlannedPart, QuantizedFormat } from './format.ts';
import { withFusedNames } from './fused-names.ts';
import { integerGridOf } from './integer-grid.ts';
import {
  codesPiece,
  groupCount,
  type LinearGrid,
  requireMultiple,
  scalesPiece,
  zerosPiece,
} from './linear-pieces.ts';

/**
 * AutoAWQ's gemm layout (`awq/modules/linear/gemm.py`, `awq/utils/packing_utils.py`): 4-bit codes packed along the
 * output in an order of their own, scales [groups, out]. Its kernels always subtract a zero point, so a symmetric grid
 * is stored with the constant one, 8.
 */
export const awqGemm: QuantizedFormat = {
  scales: 'F16',
  parts: (linear, scheme) => partsOf({ linear, grid: integerGridOf(scheme), layout: 'awq' }),
  config: (scheme, { kept }) => ({
    quant_method: 'awq',
    version: 'gemm',
    bits: 4,
    group_size: integerGridOf(scheme).group ?? -1,
    zero_point: true,
    modules_to_not_convert: withFusedNames(kept),
  }),
};

// Codes in a 32-bit word.
const perWord = 8;

function partsOf(target: LinearGrid & { readonly grid: IntegerGrid }): readonly PlannedPart[] {
  const { linear, grid } = target;
  const { module, matrix, scaleDtype } = linear;
  const { rows, columns } = matrix;
  requireMultiple(linear, 'input', grid.group ?? 1);
  requireMultiple(linear, 'output', perWord);
  const groups = groupCount(linear, grid.group);
  const weight = `${module}.qweight`;
  const zeros = `${module}.qzeros`;
  const scales = `${module}.scales`;
  return [
    { name: weight, dtype: 'I32', shape: [columns, rows / perWord], piece: codesPiece(target, weight) },
    { name: zeros, dtype: 'I32', shape: [groups, rows / perWord], piece: zerosPiece(target, zeros) },
    { name: scales, dtype: scaleDtype, shape: [groups, rows], piece: scalesPiece(target, scales) },
  ];
}

import type { IntegerGrid } from '../../domain/quantize-pieces.ts';
import { withFusedNames } from './fused-names.ts';
import type { Linear, PlannedPart, QuantizedFormat } from './format.ts';
import {
  codesPiece,
  groupCount,
  integersPiece,
  type LinearGrid,
  requireMultiple,
  scalesPiece,
  zerosPiece,
} from './linear-pieces.ts';
import { integerGridOf } from './integer-grid.ts';

/**
 * The layout of AutoGPTQ and GPTQModel (`qlinear_cuda_old.py`, `BaseQuantLinear`): codes packed along the input, scales
 * [groups, out], zero points stored less one (`gptq`) or as they are (`gptq_v2`), and `g_idx`, which says each column's
 * group. Columns are never reordered here, because engines differ in whether they follow another order.
 */
export function gptqFormat(version: 'gptq' | 'gptq_v2'): QuantizedFormat {
  const layout = version === 'gptq' ? 'gptq-v1' : 'gptq-v2';
  return {
    scales: 'F16',
    parts: (linear, scheme) => partsOf({ linear, grid: integerGridOf(scheme), layout }),
    config: (scheme, { kept }) => {
      const { bits, group, symmetric } = integerGridOf(scheme);
      const skipped = withFusedNames(kept.filter((module) => module !== 'lm_head'));
      return {
        quant_method: 'gptq',
        bits,
        group_size: group ?? -1,
        desc_act: false,
        sym: symmetric,
        checkpoint_format: version,
        lm_head: false,
        // GPTQModel and vLLM: a pattern that starts with "-:" names modules that are not quantized.
        ...(skipped.length === 0
          ? {}
          : { dynamic: Object.fromEntries(skipped.map((module) => [`-:^${escapeName(module)}$`, {}])) }),
      };
    },
  };
}

function partsOf(target: LinearGrid & { readonly grid: IntegerGrid }): readonly PlannedPart[] {
  const { linear, grid } = target;
  const { module, matrix, scaleDtype } = linear;
  const { rows, columns } = matrix;
  const perWord = 32 / grid.bits;
  requireMultiple(linear, 'input', grid.group ?? 1);
  requireMultiple(linear, 'input', perWord);
  requireMultiple(linear, 'output', perWord);
  const groups = groupCount(linear, grid.group);
  const weight = `${module}.qweight`;
  const zeros = `${module}.qzeros`;
  const scales = `${module}.scales`;
  return [
    { name: weight, dtype: 'I32', shape: [columns / perWord, rows], piece: codesPiece(target, weight) },
    { name: zeros, dtype: 'I32', shape: [groups, rows / perWord], piece: zerosPiece(target, zeros) },
    { name: scales, dtype: scaleDtype, shape: [groups, rows], piece: scalesPiece(target, scales) },
    {
      name: `${module}.g_idx`,
      dtype: 'I32',
      shape: [columns],
      piece: integersPiece(groupOfColumns(linear, grid.group), 'I32'),
    },
  ];
}

function groupOfColumns({ matrix }: Linear, group: number | null): number[] {
  return Array.from({ length: matrix.columns }, (_, column) =>
    group === null ? 0 : Math.floor(column / group),
  );
}

function escapeName(module: string): string {
  return module.replaceAll('.', String.raw`\.`);
}

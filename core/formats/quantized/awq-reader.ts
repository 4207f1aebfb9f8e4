import type { JsonObject } from '../../domain/json.ts';
import type { IntegerLinear } from './quantized-linear.ts';
import {
  checkParts,
  groupsOf,
  type LinearParts,
  readGroup,
  scaleDtypes,
  type StoredForm,
  unsupportedModel,
} from './stored-form.ts';

// Codes in a 32-bit word.
const perWord = 8;

/** Folders of AutoAWQ and, with the key `format`, of GPTQModel, whose gemm layout `awqGemm` writes; gemv and the others pack in another order. */
export function readAwqForm(config: JsonObject): StoredForm {
  const version = config['version'] ?? config['format'] ?? 'gemm';
  if (typeof version !== 'string' || version.toLowerCase() !== 'gemm')
    throw unsupportedModel(`has weights in the format ${JSON.stringify(version)} of awq`);
  const bits = config['bits'] ?? config['w_bit'];
  if (bits !== 4) throw unsupportedModel(`has ${JSON.stringify(bits)}-bit weights in the layout of awq`);
  const group = readGroup(config['group_size'] ?? config['q_group_size']);
  return {
    // Even `zero_point: true` may be 8 throughout; only the tensors tell.
    scheme: {
      method: 'awq',
      format: 'gemm',
      weights: 'int4',
      block: [1, group],
      symmetric: config['zero_point'] === false,
    },
    codes: 'qweight',
    parts: ['qzeros', 'scales'],
    linear: (parts) => describe(parts, group),
  };
}

function describe({ module, codes, part }: LinearParts, group: number | null): IntegerLinear {
  const [columns = 0, words = 0] = codes.shape;
  const rows = words * perWord;
  const groups = groupsOf(columns, group);
  const [scales, zeros] = [part('scales'), part('qzeros')];
  const form = { kind: 'integer', bits: 4, group, layout: 'awq' } as const;
  const linear = { module, rows, columns, ...form, codes, scales, zeros };
  checkParts(linear, [
    { tensor: codes, dtypes: ['I32'], shape: [columns, words] },
    { tensor: zeros, dtypes: ['I32'], shape: [groups, words] },
    { tensor: scales, dtypes: scaleDtypes, shape: [groups, rows] },
  ]);
  return linear;
}

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBuildFailure } from '../../../../core/domain/failures.ts';
import type { Json } from '../../../../core/domain/json.ts';
import { readQuantizedLinears } from '../../../../core/formats/quantized/read-quantized.ts';
import type { TensorDtype, WeightTensor } from '../../../../core/formats/tensor.ts';

type Part = readonly [name: string, dtype: TensorDtype, shape: readonly number[]];

interface Form {
  readonly name: string;
  readonly config: Json;
  /** Of a linear of 16 rows and 64 columns; codes first. */
  readonly parts: readonly Part[];
}

const compressed = (format: string, weights: Json): Json => ({
  quant_method: 'compressed-tensors',
  format,
  config_groups: { group_0: { weights } },
});
const int4 = { num_bits: 4, type: 'int', symmetric: false, strategy: 'group', group_size: 32 };
const fp8 = { num_bits: 8, type: 'float', strategy: 'channel' };
const nvfp4 = { num_bits: 4, type: 'float', strategy: 'tensor_group', group_size: 16 };

const forms: readonly Form[] = [
  {
    name: 'pack-quantized',
    config: compressed('pack-quantized', { ...int4, actorder: 'group' }),
    parts: [
      ['weight_packed', 'I32', [16, 8]],
      ['weight_scale', 'BF16', [16, 2]],
      ['weight_zero_point', 'I32', [2, 2]],
      ['weight_g_idx', 'I32', [64]],
    ],
  },
  {
    name: 'int-quantized',
    config: compressed('int-quantized', { ...int4, num_bits: 8 }),
    parts: [
      ['weight', 'I8', [16, 64]],
      ['weight_scale', 'F32', [16, 2]],
      ['weight_zero_point', 'I8', [16, 2]],
    ],
  },
  {
    name: 'float-quantized',
    config: compressed('float-quantized', fp8),
    parts: [
      ['weight', 'F8_E4M3', [16, 64]],
      ['weight_scale', 'BF16', [16, 1]],
    ],
  },
  {
    name: 'nvfp4-pack-quantized',
    config: compressed('nvfp4-pack-quantized', nvfp4),
    parts: [
      ['weight_packed', 'U8', [16, 32]],
      ['weight_scale', 'F8_E4M3', [16, 4]],
      ['weight_global_scale', 'F32', [1]],
    ],
  },
  {
    name: 'gptq',
    config: { quant_method: 'gptq', bits: 8, group_size: 32 },
    parts: [
      ['qweight', 'I32', [16, 16]],
      ['qzeros', 'I32', [2, 4]],
      ['scales', 'F16', [2, 16]],
    ],
  },
  {
    name: 'awq',
    config: { quant_method: 'awq', bits: 4, group_size: 32, version: 'GEMM' },
    parts: [
      ['qweight', 'I32', [64, 2]],
      ['qzeros', 'I32', [2, 2]],
      ['scales', 'F16', [2, 16]],
    ],
  },
  {
    name: 'fp8 in blocks',
    config: { quant_method: 'fp8', weight_block_size: [12, 48] },
    parts: [
      ['weight', 'F8_E4M3', [16, 64]],
      ['weight_scale_inv', 'F32', [2, 2]],
    ],
  },
  {
    name: 'modelopt',
    config: { quant_method: 'modelopt', quant_algo: 'NVFP4' },
    parts: [
      ['weight', 'U8', [16, 32]],
      ['weight_scale', 'F8_E4M3', [16, 4]],
      ['weight_scale_2', 'F32', []],
    ],
  },
];

const tensorOf = ([name, dtype, shape]: Part): WeightTensor => ({
  name: `m.${name}`,
  dtype,
  shape,
  bytes: 0,
  file: '/m.safetensors',
  offset: 0,
});
const norm: Part = ['norm', 'F32', [64]];

/** Without the part, of another dtype, or with another size. */
function damage(parts: readonly Part[], at: number, how: number): readonly Part[] {
  return parts.flatMap((part, index): readonly Part[] => {
    if (index !== at) return [part];
    const [name, dtype, shape] = part;
    if (how === 0) return [];
    if (how === 1) return [[name, dtype === 'F64' ? 'F32' : 'F64', shape]];
    // Codes alone decide how large the linear is; a third dimension they never have.
    if (at === 0 || how === 2) return [[name, dtype, [...shape, 2]]];
    return [[name, dtype, shape.map((size) => size + how)]];
  });
}

describe.each(forms)('a linear stored as $name', ({ config, parts }) => {
  const read = (given: readonly Part[]) =>
    outcomeOf(() => readQuantizedLinears([...given, norm].map(tensorOf), { quantization_config: config }));

  it('has all its parts, and nothing else is taken', () => {
    expect(read(parts)).toMatchObject({
      linears: [{ module: 'm', rows: 16, columns: 64, codes: tensorOf(parts[0] ?? norm) }],
      others: [tensorOf(norm)],
    });
  });

  it('is WeightsCorrupt without one of them, or when one has another dtype or shape', () => {
    fc.assert(
      fc.property(fc.nat(parts.length - 1), fc.nat(9), (at, how) => {
        fc.pre(how < 3 || (parts[at]?.[2].length ?? 0) > 0);
        expect(read(damage(parts, at, how))).toBe('WeightsCorrupt');
      }),
      { numRuns: 200 },
    );
  });
});

const sizes = fc.constantFrom(0, 1, 2, 7, 8, 16, 64, 2 ** 53 - 1);
const words = [...new Set(forms.flatMap(({ parts }) => parts.map(([name]) => name)))];
const dtypes = [...new Set(forms.flatMap(({ parts }) => parts.map(([, dtype]) => dtype)))];
const tensors = fc.array(
  fc.record<WeightTensor>({
    name: fc
      .tuple(fc.constantFrom('a', 'b', '', '__proto__'), fc.constantFrom(...words))
      .map((parts) => parts.join('.')),
    dtype: fc.constantFrom<TensorDtype>(...dtypes, 'F64'),
    shape: fc.array(sizes, { maxLength: 3 }),
    bytes: fc.constant(0),
    file: fc.constant('/m.safetensors'),
    offset: fc.constant(0),
  }),
  { maxLength: 8 },
);

const odd: readonly Json[] = [
  null,
  -1,
  0,
  1.5,
  3,
  4,
  8,
  16,
  2 ** 53,
  '',
  'int',
  'group',
  true,
  [],
  {},
  [0, 1],
  [8, 8],
];

/** A config in which values anywhere may be something else. */
function disturbed(value: Json): fc.Arbitrary<Json> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const same = isObject
    ? fc.record(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, disturbed(inner)])))
    : fc.constant(value);
  return fc.oneof({ weight: 9, arbitrary: same }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
}

it('the reader of quantized models throws nothing but its named failures, for any tensors and configs', () => {
  const configs = fc.oneof(...forms.map(({ config }) => disturbed({ quantization_config: config })));
  fc.assert(
    fc.property(tensors, configs, (given, config) => {
      const outcome = outcomeOf(() => readQuantizedLinears(given, config));

      const empty = (typeof outcome === 'string' ? [] : outcome.linears).filter(
        ({ rows, columns }) => !Number.isSafeInteger(rows * columns) || rows * columns === 0,
      );
      expect(empty).toEqual([]);
      expect(['WeightsCorrupt', 'WeightsUnsupported', '']).toContain(
        typeof outcome === 'string' ? outcome : '',
      );
    }),
    { numRuns: 4000 },
  );
});

function outcomeOf<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (isBuildFailure(error)) return error.name;
    throw error;
  }
}

import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../../core/domain/json.ts';
import { quantizedFormats } from '../../../../../core/formats/quantized/formats.ts';
import { readQuantizedLinears } from '../../../../../core/formats/quantized/read-quantized.ts';
import { quantizedLayouts } from '../../../../../core/formats/quantized/scheme.ts';
import { specBytes } from '../../../../../core/formats/spec-bytes.ts';
import type { TensorDtype, WeightTensor } from '../../../../../core/formats/tensor.ts';

const module = 'model.layers.0.mlp.up_proj';

function tensor(name: string, dtype: TensorDtype, shape: readonly number[]): WeightTensor {
  return { name, dtype, shape, bytes: specBytes({ name, dtype, shape }), file: '/m.safetensors', offset: 0 };
}

function config(weights: object, format = 'pack-quantized'): Json {
  return {
    quantization_config: {
      quant_method: 'compressed-tensors',
      format,
      config_groups: {
        group_0: { targets: ['Linear'], weights: { type: 'int', symmetric: true, ...weights } },
      },
    },
  };
}

const int4 = { num_bits: 4, strategy: 'group', group_size: 32 };
const packed = [
  tensor(`${module}.weight_packed`, 'I32', [48, 8]),
  tensor(`${module}.weight_scale`, 'BF16', [48, 2]),
  tensor(`${module}.weight_shape`, 'I64', [2]),
  tensor('model.norm.weight', 'BF16', [64]),
];

const anywhere = { quantized: [module], kept: [] };

it.each(quantizedLayouts)('there is a reader for the config that is written as %s', (layout) => {
  const grid = { kind: 'integer', bits: 4, group: 32, symmetric: true, convention: 'centred' } as const;
  const written = quantizedFormats[layout].config({ grid, layout, activations: 'none' }, anywhere);

  expect(() => readQuantizedLinears([], { quantization_config: written })).toThrow(
    'No tensor of the quantized model holds codes',
  );
});

describe('what a config says of gptq and awq', () => {
  const gptq = { quant_method: 'gptq', bits: 4, group_size: 128 };
  const awq = { quant_method: 'awq', bits: 4, group_size: 128 };
  const qweight = tensor(`${module}.qweight`, 'I32', [16, 8]);

  it.each<[string, JsonObject]>([
    ['kernels of marlin', { ...gptq, is_marlin_format: true }],
    ['another format of gptq', { ...gptq, checkpoint_format: 'marlin' }],
    ['3 bits of gptq', { ...gptq, bits: 3 }],
    ['no group', { quant_method: 'gptq', bits: 4 }],
    ['modules with bits of their own', { ...gptq, dynamic: { '+:.*down_proj': { bits: 8 } } }],
    ['the order of gemv', { ...awq, version: 'gemv' }],
    ['the order of gemv, as GPTQModel says it', { ...awq, format: 'gemv' }],
    ['8 bits of awq', { ...awq, bits: 8 }],
    ['FP8 of another kind', { quant_method: 'fp8', fmt: 'e5m2' }],
    ['blocks of one number', { quant_method: 'fp8', weight_block_size: [128] }],
    ['another algorithm of modelopt', { quant_method: 'modelopt', quant_algo: 'W4A16_AWQ' }],
  ])('is WeightsUnsupported with %s', (_, given) => {
    expect(() => readQuantizedLinears([qweight], { quantization_config: given })).toThrow(
      expect.objectContaining({ name: 'WeightsUnsupported' }),
    );
  });

  it('lets modules that are left out have no bits of their own', () => {
    const kept = { ...gptq, dynamic: { [String.raw`-:^lm_head$`]: {} } };
    expect(() => readQuantizedLinears([qweight], { quantization_config: kept })).toThrow('has no scales');
  });

  it('does not read views, whose codes lie in another order', () => {
    const view = { ...qweight, strides: [1, 16] };
    expect(() => readQuantizedLinears([view], { quantization_config: gptq })).toThrow(
      expect.objectContaining({ name: 'WeightsUnsupported', message: expect.stringContaining('is a view') }),
    );
  });
});

describe('the integer weights of a compressed-tensors model', () => {
  it('are described as codes, scales and their place, and everything else is left over', () => {
    const model = readQuantizedLinears(packed, config(int4));

    expect(model.linears).toEqual([
      {
        module,
        rows: 48,
        columns: 64,
        bits: 4,
        kind: 'integer',
        group: 32,
        layout: 'packed-in',
        codes: packed[0],
        scales: packed[1],
      },
    ]);
    expect(model.scheme).toEqual({
      method: 'compressed-tensors',
      format: 'pack-quantized',
      weights: 'int4',
      block: [1, 32],
      symmetric: true,
    });
    expect(model.others.map(({ name }) => name)).toEqual(['model.norm.weight']);
  });

  it('have zero points where they are asymmetric', () => {
    const zeros = tensor(`${module}.weight_zero_point`, 'I32', [6, 2]);

    const { linears } = readQuantizedLinears([...packed, zeros], config({ ...int4, symmetric: false }));

    expect(linears).toMatchObject([{ zeros }]);
    expect(() => readQuantizedLinears(packed, config({ ...int4, symmetric: false }))).toThrow(
      `${module} has no weight_zero_point`,
    );
  });

  it('are plain bytes in int-quantized', () => {
    const tensors = [
      tensor(`${module}.weight`, 'I8', [48, 60]),
      tensor(`${module}.weight_scale`, 'F32', [48, 1]),
      tensor('lm_head.weight', 'F32', [32, 60]),
    ];

    const model = readQuantizedLinears(
      tensors,
      config({ num_bits: 8, strategy: 'channel' }, 'int-quantized'),
    );

    expect(model.linears).toMatchObject([{ rows: 48, columns: 60, bits: 8, group: null, layout: 'bytes' }]);
    expect(model.others).toEqual([tensors[2]]);
  });

  it('end where the groups end when the last word is not full', () => {
    const odd = [
      tensor(`${module}.weight_packed`, 'I32', [48, 2]),
      tensor(`${module}.weight_scale`, 'F16', [48, 1]),
    ];

    const { linears } = readQuantizedLinears(odd, config({ ...int4, group_size: 12 }));

    expect(linears[0]?.columns).toBe(12);
  });

  it.each<[string, readonly (WeightTensor | undefined)[], object?]>([
    ['scales of another count', [packed[0], tensor(`${module}.weight_scale`, 'BF16', [48, 3])]],
    ['groups by activation but no index of them', packed, { actorder: 'group' }],
    [
      'an index of other columns',
      [...packed, tensor(`${module}.weight_g_idx`, 'I32', [32])],
      { actorder: 'group' },
    ],
    ['codes of another dtype', [tensor(`${module}.weight_packed`, 'I8', [48, 8]), packed[1]]],
    ['no scales', [packed[0]]],
    ['no codes at all', [packed[3]]],
  ])('are WeightsCorrupt with %s', (_, tensors, more = {}) => {
    const given = tensors.filter((entry) => entry !== undefined);
    expect(() => readQuantizedLinears(given, config({ ...int4, ...more }))).toThrow(
      expect.objectContaining({ name: 'WeightsCorrupt' }),
    );
  });

  it.each<[string, Json]>([
    ['no quantization_config', {}],
    ['another method', { quantization_config: { quant_method: 'bitsandbytes' } }],
    ['a method named after what every object has', { quantization_config: { quant_method: 'toString' } }],
    ['floats in the format of integers', config({ num_bits: 8, type: 'float', strategy: 'channel' })],
    ['integers in the format of floats', config(int4, 'float-quantized')],
    ['8 bits of nvfp4', config({ num_bits: 8, type: 'float' }, 'nvfp4-pack-quantized')],
    ['another format', config(int4, 'marlin-24')],
    ['3 bits', config({ ...int4, num_bits: 3 })],
    ['a scale for the whole tensor', config({ num_bits: 8, strategy: 'tensor' })],
    ['columns in an unknown order', config({ ...int4, actorder: 'random' })],
    ['a group of zero', config({ ...int4, group_size: 0 })],
  ])('are WeightsUnsupported with %s', (_, given) => {
    expect(() => readQuantizedLinears(packed, given)).toThrow(
      expect.objectContaining({ name: 'WeightsUnsupported' }),
    );
  });
});

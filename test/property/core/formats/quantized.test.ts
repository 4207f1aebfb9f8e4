import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBuildFailure } from '../../../../core/domain/failures.ts';
import type { Json } from '../../../../core/domain/json.ts';
import { readQuantizedLinears } from '../../../../core/formats/quantized/read-quantized.ts';
import type { TensorDtype, WeightTensor } from '../../../../core/formats/tensor.ts';

const sizes = fc.constantFrom(0, 1, 2, 7, 8, 16, 64, 2 ** 53 - 1);
const tensors = fc.array(
  fc.record<WeightTensor>({
    name: fc
      .tuple(
        fc.constantFrom('a', 'b', '', '__proto__'),
        fc.constantFrom('weight', 'weight_packed', 'weight_scale', 'weight_zero_point', 'weight_shape'),
      )
      .map((words) => words.join('.')),
    dtype: fc.constantFrom<TensorDtype>('I32', 'I8', 'BF16', 'F32', 'U8'),
    shape: fc.array(sizes, { maxLength: 3 }),
    bytes: fc.constant(0),
    file: fc.constant('/m.safetensors'),
    offset: fc.constant(0),
  }),
  { maxLength: 8 },
);

const odd = fc.constantFrom<Json>(null, -1, 0, 1.5, 3, 4, 8, 16, 2 ** 53, '', 'int', 'group', true, [], {});
const oneOf = (...usual: Json[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: odd });
const weights = fc.record(
  {
    num_bits: oneOf(4, 8),
    type: oneOf('int'),
    symmetric: oneOf(true, false),
    strategy: oneOf('group', 'channel'),
    group_size: oneOf(8, 16, 64, null),
    actorder: oneOf(null),
  },
  { requiredKeys: [] },
);
const groups = oneOf({}).chain((given) =>
  fc.oneof(
    fc.constant(given),
    fc
      .array(weights, { maxLength: 2 })
      .map((list) => Object.fromEntries(list.map((entry, index) => [`group_${index}`, { weights: entry }]))),
  ),
);
const configs = fc.record({
  quantization_config: fc.record({
    quant_method: oneOf('compressed-tensors'),
    format: oneOf('pack-quantized', 'int-quantized'),
    config_groups: groups,
  }),
});

it('the reader of quantized models throws nothing but its named failures and describes only what fits', () => {
  fc.assert(
    fc.property(tensors, configs, (given, config) => {
      const outcome = outcomeOf(() => readQuantizedLinears(given, config as Json));

      const misfits = (typeof outcome === 'string' ? [] : outcome.linears).filter(
        ({ rows, columns, bits, group, layout, codes, scales }) =>
          codes.shape[1] !== (layout === 'bytes' ? columns : Math.ceil((columns * bits) / 32)) ||
          scales.shape[0] !== rows ||
          scales.shape[1] !== (group === null ? 1 : columns / group),
      );
      expect(misfits).toEqual([]);
      expect(['WeightsCorrupt', 'WeightsUnsupported', '']).toContain(
        typeof outcome === 'string' ? outcome : '',
      );
    }),
    { numRuns: 2000 },
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

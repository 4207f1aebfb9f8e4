import { describe, expect, it } from 'vitest';
import type { QuantizingPlan } from '../../../../../core/formats/quantized/plan-quantized.ts';
import { sortSolvedTensors } from '../../../../../core/formats/quantized/solved-tensors.ts';
import type { WeightTensor } from '../../../../../core/formats/tensor.ts';
import { int4, model, plan, tensor, up } from '../../../../fixtures/weights/quantizing-plan.ts';

describe("a solver's codes", () => {
  const linears = plan(int4).modules.quantized.map((module) => ({
    module,
    shape: model.find(({ name }) => name === `${module}.weight`)?.shape ?? [],
  }));
  const solver = linears.flatMap(({ module, shape: [rows = 0, columns = 0] }) => [
    tensor(`${module}.codes`, 'I8', [rows, columns]),
    tensor(`${module}.scales`, 'F32', [rows, columns / 32]),
  ]);
  const norm = tensor('model.layers.0.input_layernorm.weight', 'F32', [128]);

  it('are packed as they are, with scales rounded to the stored type and transposed where a layout wants that', () => {
    const solved = sortSolvedTensors([...solver, norm]);
    const pieces = ({ tensors }: QuantizingPlan) =>
      tensors.flatMap((entry) =>
        'parts' in entry && entry.module === up ? entry.parts.map(({ piece }) => piece) : [],
      );

    expect(pieces(plan(int4, { solved }))).toMatchObject([
      { kind: 'pack', part: 'codes', codes: { rows: 256, columns: 128 }, bits: 4, layout: 'packed-in' },
      { kind: 'merge', base: { rows: 256, columns: 4 }, dtype: 'BF16', changes: [] },
      { kind: 'bytes' },
    ]);
    expect(pieces(plan(int4, { solved, layout: 'gptq' }))).toMatchObject([
      { kind: 'pack', layout: 'gptq-v1' },
      { kind: 'quantize', part: 'zeros' },
      { kind: 'merge', base: { rows: 4, columns: 256, strides: [1, 4] }, dtype: 'F16' },
      { kind: 'bytes' },
    ]);
  });

  it('come with tensors that replace the model’s own, in the model’s dtype', () => {
    const { tensors } = plan(int4, { solved: sortSolvedTensors([...solver, norm]) });

    const kept = tensors.flatMap((entry) => ('kept' in entry ? [entry.kept] : []));
    expect(kept.find(({ name }) => name === norm.name)).toMatchObject({
      dtype: 'BF16',
      shape: [128],
      piece: { kind: 'merge', base: { rows: 1, columns: 128, dtype: 'F32' }, dtype: 'BF16' },
    });
  });

  it('may be left to rounding when only folded weights are given', () => {
    const folded = tensor(`${up}.weight`, 'F32', [256, 128]);
    const { tensors } = plan(int4, { solved: sortSolvedTensors([folded, norm]) });

    const entry = tensors.find(({ source }) => source.name === folded.name);
    expect(entry).toMatchObject({
      parts: [{ piece: { kind: 'quantize', matrix: { dtype: 'F32' }, scaleDtype: 'BF16' } }, {}, {}],
    });
  });

  it.each<[string, readonly WeightTensor[]]>([
    ['codes of a linear are missing', solver.slice(2)],
    [
      'codes belong to no linear',
      [...solver, tensor('x.codes', 'I8', [2, 2]), tensor('x.scales', 'F32', [2, 1])],
    ],
    [
      'a shape differs',
      [...solver.slice(0, -1), tensor(`${linears.at(-1)?.module}.scales`, 'F32', [128, 4])],
    ],
    ['zero points come unasked', [...solver, tensor(`${up}.zeros`, 'I8', [256, 4])]],
    ['a replacement has another shape', [...solver, tensor('model.norm.weight', 'F32', [64])]],
  ])('are QuantizationUnfit when %s', (_, tensors) => {
    expect(() => plan(int4, { solved: sortSolvedTensors(tensors) })).toThrow(
      expect.objectContaining({ name: 'QuantizationUnfit' }),
    );
  });

  it('are WeightsCorrupt without scales or of another dtype', () => {
    expect(() => sortSolvedTensors(solver.slice(0, 1))).toThrow(
      expect.objectContaining({ name: 'WeightsCorrupt' }),
    );
    expect(() =>
      sortSolvedTensors([tensor('x.codes', 'U8', [2, 2]), tensor('x.scales', 'F32', [2, 1])]),
    ).toThrow(expect.objectContaining({ name: 'WeightsCorrupt' }));
  });
});

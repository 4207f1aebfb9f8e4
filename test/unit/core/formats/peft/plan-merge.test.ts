import { describe, expect, it } from 'vitest';
import type { TensorDtype } from '../../../../../core/formats/tensor.ts';
import { adapter, good, pair, pieceOf, plan, q, tensor } from '../../../../fixtures/weights/planned-merge.ts';

describe('planning a merge', () => {
  it('adds weight · alpha / r · B A to the adapted tensor and moves the others as they are', () => {
    const result = plan([adapter(good, {}, 0.5)]);

    expect(pieceOf(result, `${q}.weight`)).toEqual({
      kind: 'merge',
      name: `${q}.weight`,
      base: { file: '/base', offset: 100, dtype: 'F16', rows: 6, columns: 4 },
      dtype: 'F16',
      changes: [
        {
          kind: 'low-rank',
          a: { file: '/adapter', offset: 100, dtype: 'F32', rows: 2, columns: 4 },
          b: { file: '/adapter', offset: 100, dtype: 'F32', rows: 6, columns: 2 },
          scale: 1.5,
        },
      ],
      rounding: 'peft-default',
    });
    expect(pieceOf(result, 'model.norm.weight')).toEqual({
      kind: 'range',
      file: '/base',
      offset: 100,
      bytes: 8,
      name: 'model.norm.weight',
    });
    expect(result.merged).toEqual([`${q}.weight`]);
    expect(result.vocabulary).toEqual({ before: 10, after: 10, averaged: 0 });
  });

  it('keeps the order of several adapters', () => {
    const result = plan([adapter(good), adapter(good, { lora_alpha: 2 }), adapter(good, {}, -1)]);

    const piece = pieceOf(result, `${q}.weight`);
    expect(
      piece?.kind === 'merge' ? piece.changes.map((change) => 'scale' in change && change.scale) : [],
    ).toEqual([3, 1, -3]);
  });

  it('transposes where the base stores [in, out], and corrects a flag that does not fit', () => {
    const conv = { base: [tensor(`${q}.weight`, [4, 6])] };

    const flagged = plan([adapter(good, { fan_in_fan_out: true })], conv);
    const forgotten = plan([adapter(good)], conv);

    expect(pieceOf(flagged, `${q}.weight`)).toMatchObject({ changes: [{ transpose: true }] });
    expect(flagged.warnings).toEqual([]);
    expect(pieceOf(forgotten, `${q}.weight`)).toMatchObject({ changes: [{ transpose: true }] });
    expect(forgotten.warnings.join()).toContain('fan_in_fan_out');
  });

  it('reads a strided factor through its strides', () => {
    const [a, b] = good;
    const strided = { ...(a ?? tensor('', [])), strides: [1, 2] };

    const result = plan([adapter([strided, b ?? strided])]);

    expect(pieceOf(result, `${q}.weight`)).toMatchObject({ changes: [{ a: { strides: [1, 2] } }] });
  });

  it.each([
    [
      'a module the base does not have',
      pair('model.layers.9.q_proj', [2, 4], [6, 2]),
      'the base has no tensor model.layers.9.q_proj.weight',
    ],
    ['another rank than the config', pair(q, [3, 4], [6, 3]), 'but its config gives rank 2'],
    ['another width than the base', pair(q, [2, 5], [6, 2]), 'makes a delta of [6, 5]'],
    ['half a pair', good.slice(0, 1), `has lora_A but no lora_B for ${q}`],
    [
      'a key without the prefix of peft',
      [tensor(`${q}.lora_A.weight`, [2, 4])],
      'which belongs to no adapted',
    ],
    [
      'a key of no known kind',
      [...good, tensor(`base_model.model.${q}.surprise`, [1])],
      `the key base_model.model.${q}.surprise`,
    ],
    [
      'a whole tensor nobody announced',
      [...good, tensor('base_model.model.model.norm.weight', [4])],
      'the key base_model.model.model.norm.weight',
    ],
    ['nothing at all', [], 'has no tensors'],
  ])('refuses an adapter with %s', (_, tensors, problem) => {
    expect(() => plan([adapter(tensors)])).toThrow(
      expect.objectContaining({ name: 'AdapterMismatch', message: expect.stringContaining(problem) }),
    );
  });

  it.each([
    [
      'half an embedding pair',
      'model.embed_tokens.lora_embedding_A',
      'lora_embedding_A but no lora_embedding_B',
    ],
    ['a magnitude without use_dora', `${q}.lora_magnitude_vector`, 'has no use_dora in its config'],
    ['a bias for a layer without one', `${q}.lora_B.bias`, `the base has no ${q}.bias`],
    ['a trained bias nobody announced', `${q}.bias`, `the key base_model.model.${q}.bias`],
    [
      'another base layer',
      'model.embed_tokens.base_layer.weight',
      'replaces model.embed_tokens.weight [10, 4] by a tensor of [2]',
    ],
    ['rows nobody announced', 'model.embed_tokens.token_adapter.trainable_tokens_delta', 'do not say which'],
  ])('refuses %s', (_, key, problem) => {
    const tensors = [...good, tensor(`base_model.model.${key}`, [2])];

    expect(() => plan([adapter(tensors)])).toThrow(
      expect.objectContaining({ name: 'AdapterMismatch', message: expect.stringContaining(problem) }),
    );
  });

  it('refuses to merge into quantized or three-dimensional tensors', () => {
    expect(() => plan([adapter(good)], { base: [tensor(`${q}.weight`, [6, 4], 'I8')] })).toThrow(
      'only F64, F32, F16 and BF16',
    );
    expect(() => plan([adapter(good)], { base: [tensor(`${q}.weight`, [6, 4, 1])] })).toThrow(
      'only matrices can be merged',
    );
  });
});

describe('modules an adapter replaces whole', () => {
  const saved = { modules_to_save: ['embed_tokens', 'lm_head'] };
  const embed = (rows: number, dtype: TensorDtype = 'F16') =>
    tensor('base_model.model.model.embed_tokens.weight', [rows, 4], dtype);
  const head = (rows: number) => tensor('base_model.model.lm_head.weight', [rows, 4]);

  it('may bring new rows, in the dtype of the base', () => {
    const result = plan([adapter([...good, embed(12, 'BF16'), head(12)], saved)]);

    expect(result.vocabulary).toEqual({ before: 10, after: 12, averaged: 0 });
    expect(result.replaced).toEqual(['model.embed_tokens.weight', 'lm_head.weight']);
    expect(result.tensors.find(({ name }) => name === 'model.embed_tokens.weight')).toMatchObject({
      dtype: 'F16',
      shape: [12, 4],
      home: '/base',
      piece: { kind: 'merge', base: { dtype: 'BF16', rows: 12, columns: 4 }, dtype: 'F16', changes: [] },
    });
    expect(pieceOf(result, 'lm_head.weight')).toMatchObject({
      kind: 'merge',
      base: { file: '/adapter', rows: 12 },
      changes: [],
    });
    expect(result.warnings.join()).toContain('rounded from BF16 to F16');
  });

  it('are one tensor under the three names peft gives them', () => {
    const wrapped = ['modules_to_save', 'original_module'].map((name) =>
      tensor(`base_model.model.lm_head.${name}.weight`, [10, 4]),
    );

    const both = plan([adapter([...good, head(10), ...wrapped], saved)]);
    const wrappedOnly = plan([adapter([...good, ...wrapped], saved)]);

    expect(both.replaced).toEqual(['lm_head.weight']);
    expect(wrappedOnly.replaced).toEqual(['lm_head.weight']);
  });

  it('lose deltas of earlier adapters and take those of later ones', () => {
    const lora = adapter(pair('lm_head', [2, 4], [10, 2]));
    const whole = adapter([head(10)], saved);

    expect(pieceOf(plan([lora, whole]), 'lm_head.weight')).toMatchObject({
      kind: 'merge',
      base: { file: '/adapter' },
      changes: [],
    });
    expect(pieceOf(plan([whole, lora]), 'lm_head.weight')).toMatchObject({
      kind: 'merge',
      base: { file: '/adapter' },
      changes: [{ scale: 3 }],
    });
  });

  it.each([
    ['fewer rows than the base', [embed(8), head(8)], 'by a tensor of [8, 4]'],
    ['rows for the embedding alone', [embed(12)], 'but lm_head.weight has 10'],
    ['another width', [tensor('base_model.model.lm_head.weight', [10, 5])], 'by a tensor of [10, 5]'],
  ])('are refused with %s', (_, tensors, problem) => {
    expect(() => plan([adapter([...good, ...tensors], saved)])).toThrow(
      expect.objectContaining({ name: 'AdapterMismatch', message: expect.stringContaining(problem) }),
    );
  });

  it('cannot be weighted', () => {
    expect(() => plan([adapter([head(10)], saved, 0.5)])).toThrow('cannot have the weight 0.5');
  });
});

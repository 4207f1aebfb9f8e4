import { describe, expect, it } from 'vitest';
import {
  adapter,
  base,
  good,
  pair,
  pieceOf,
  plan,
  tensor,
} from '../../../../fixtures/weights/planned-merge.ts';

describe('an adapter on a base it does not fit', () => {
  const gpt = { base: [tensor('h.0.attn.c_attn.weight', [4, 6])], modelType: 'gpt2' };

  it('is found under the names the base gives its trunk', () => {
    const conv = pair('transformer.h.0.attn.c_attn', [2, 4], [6, 2]);

    expect(plan([adapter(conv, { fan_in_fan_out: true })], gpt).merged).toEqual(['h.0.attn.c_attn.weight']);
  });

  it('is refused with all the modules that were not found', () => {
    const foreign = [...pair('m.h.0.c_attn', [2, 4], [6, 2]), ...pair('m.h.1.c_attn', [2, 4], [6, 2])];

    expect(() => plan([adapter(foreign)], gpt)).toThrow(
      'adapts m.h.0.c_attn, m.h.1.c_attn, but the base has no tensors of these names',
    );
  });

  it('is refused when it was trained on another repository, unless that is asked for', () => {
    const trained = adapter(good, { base_model_name_or_path: 'org/one' });
    const identity = { source: 'org/two' };

    expect(() => plan([trained], { identity })).toThrow('was trained on org/one, the base is org/two');
    expect(plan([trained], { identity: { ...identity, anyBase: true } }).warnings.join()).toContain(
      'org/two',
    );
  });

  it('is refused when the weights of the base are codes', () => {
    expect(() => plan([adapter(good)], { quantization: 'gptq' })).toThrow('has quantization_config (gptq)');
  });
});

describe('an adapter on a base with tied embeddings', () => {
  const tied = { base: base.slice(0, 3), tiesWordEmbeddings: true };
  const head = tensor('base_model.model.lm_head.weight', [10, 4]);
  const embed = tensor('base_model.model.model.embed_tokens.weight', [10, 4]);

  it('leaves the tie alone when it touches neither side', () => {
    const result = plan([adapter(good)], tied);

    expect(result.unties).toBe(false);
    expect(result.tensors.map(({ name }) => name)).not.toContain('lm_head.weight');
  });

  it('unties them when it changes one side: both are written out', () => {
    const result = plan([adapter([...good, head], { modules_to_save: ['lm_head'] })], tied);

    expect(result.unties).toBe(true);
    expect(pieceOf(result, 'lm_head.weight')).toMatchObject({ base: { file: '/adapter' }, changes: [] });
    expect(pieceOf(result, 'model.embed_tokens.weight')).toMatchObject({ file: '/base' });
    expect(result.warnings.join()).toContain('no longer tied');
  });

  it('is taken to be tied where the config is silent and no output layer is stored', () => {
    const silent = { ...tied, tiesWordEmbeddings: undefined };
    const result = plan([adapter([...good, head], { modules_to_save: ['lm_head'] })], silent);

    expect([result.ties, result.unties]).toEqual([false, true]);
    expect(pieceOf(result, 'lm_head.weight')).toMatchObject({ base: { file: '/adapter' } });
    expect(plan([adapter(good)], { tiesWordEmbeddings: undefined }).ties).toBe(false);
  });

  it('gets an output layer by the name its adapter or its architecture uses', () => {
    const embedding = 'gpt_neox.embed_in';
    const neox = { base: [tensor(`${embedding}.weight`, [10, 4])], tiesWordEmbeddings: true };
    const [a, b] = ['lora_embedding_A', 'lora_embedding_B'].map((part, at) =>
      tensor(`base_model.model.${embedding}.${part}`, at === 0 ? [2, 10] : [4, 2]),
    );
    const changed = [a ?? head, b ?? head];
    const saved = tensor('base_model.model.lm_head.weight', [10, 4]);

    const named = plan([adapter(changed)], neox).tensors.map(({ name }) => name);
    const asSaved = plan([adapter([...changed, saved], { modules_to_save: ['lm_head'] })], neox);

    expect(named).toEqual([`${embedding}.weight`, 'embed_out.weight']);
    expect(asSaved.replaced).toEqual(['lm_head.weight']);
  });

  it('keeps them tied when the adapter says that it did', () => {
    const result = plan(
      [adapter([...good, embed], { modules_to_save: ['embed_tokens'], ensure_weight_tying: true })],
      tied,
    );

    expect(result.unties).toBe(false);
    expect(result.tensors.find(({ name }) => name === 'lm_head.weight')?.aliasOf).toBe(
      'model.embed_tokens.weight',
    );
  });
});

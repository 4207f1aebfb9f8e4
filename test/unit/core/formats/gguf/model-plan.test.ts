import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../../core/domain/json.ts';
import { planModelGguf } from '../../../../../core/formats/gguf/model-plan.ts';
import type { TensorDtype, WeightTensor } from '../../../../../core/formats/tensor.ts';
import {
  type BpeOptions,
  bpeTokenizer,
  bpeVocabularySize,
} from '../../../../fixtures/gguf/tiny-tokenizers.ts';

const bpe: BpeOptions = { split: 'bytes', added: [] };
const rows = bpeVocabularySize(bpe);
const config: JsonObject = {
  architectures: ['LlamaForCausalLM'],
  num_hidden_layers: 1,
  hidden_size: 8,
  intermediate_size: 16,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: rows,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-6,
};

function tensor(name: string, shape: readonly number[], dtype: TensorDtype = 'F16'): WeightTensor {
  return { name, dtype, shape, file: '/w', offset: 0, bytes: shape.reduce((a, b) => a * b, 2) };
}

const layer = 'model.layers.0';
const tensors: readonly WeightTensor[] = [
  tensor('model.embed_tokens.weight', [rows, 8]),
  tensor('lm_head.weight', [rows, 8]),
  tensor('model.norm.weight', [8]),
  tensor(`${layer}.input_layernorm.weight`, [8]),
  tensor(`${layer}.post_attention_layernorm.weight`, [8]),
  tensor(`${layer}.self_attn.q_proj.weight`, [8, 8]),
  tensor(`${layer}.self_attn.k_proj.weight`, [4, 8]),
  tensor(`${layer}.self_attn.v_proj.weight`, [4, 8]),
  tensor(`${layer}.self_attn.o_proj.weight`, [8, 8]),
  tensor(`${layer}.mlp.gate_proj.weight`, [16, 8]),
  tensor(`${layer}.mlp.up_proj.weight`, [16, 8]),
  tensor(`${layer}.mlp.down_proj.weight`, [8, 16]),
];
const without = (name: string) => tensors.filter((entry) => entry.name !== name);
const instead = (other: WeightTensor) => [...without(other.name), other];

function plan(change: JsonObject = {}, weights: readonly WeightTensor[] = tensors) {
  const changed: Json = { ...config, ...change };
  return planModelGguf({
    config: changed,
    tokenizer: { tokenizer: bpeTokenizer(bpe) },
    tensors: weights,
    floatType: 'F16',
  });
}

describe('planModelGguf', () => {
  it('takes a model without an output layer as tied when its config does not say', () => {
    const names = plan({}, without('lm_head.weight')).layout.tensors.map(({ name }) => name);

    expect(names).toHaveLength(tensors.length - 1);
    expect(names).not.toContain('output.weight');
    expect(plan().layout.tensors.map(({ name }) => name)).toContain('output.weight');
  });

  it('orders tensors as the family uses them, whatever the order in the files', () => {
    const names = plan({}, tensors.toReversed()).layout.tensors.map(({ name }) => name);

    expect(names.slice(0, 3)).toEqual(['token_embd.weight', 'blk.0.attn_norm.weight', 'blk.0.attn_q.weight']);
    expect(names.slice(-2)).toEqual(['output_norm.weight', 'output.weight']);
  });

  it('gives equal models equal headers', () => {
    expect(plan({}, tensors.toReversed()).layout.header).toEqual(plan().layout.header);
  });

  it('keeps vectors in single precision and matrices in the asked type', () => {
    for (const { shape, type } of plan().layout.tensors)
      expect(type).toBe(shape.length === 1 ? 'F32' : 'F16');
  });

  it('leaves the output matrix out of a tied model, and recomputed frequencies out of any', () => {
    const old = tensor(`${layer}.self_attn.rotary_emb.inv_freq`, [2], 'F32');

    const names = plan({ tie_word_embeddings: true }, [...tensors, old]).layout.tensors.map(
      ({ name }) => name,
    );

    expect(names).not.toContain('output.weight');
    expect(names).toHaveLength(11);
  });

  it.each<[string, JsonObject, string, RegExp]>([
    [
      'an unknown architecture',
      { architectures: ['GemmaForCausalLM'] },
      'FamilyUnsupported',
      /GemmaForCausalLM is not one of LlamaForCausalLM/,
    ],
    ['a missing size', { hidden_size: null }, 'FamilyUnsupported', /hidden_size/],
    ['another activation', { hidden_act: 'gelu' }, 'FamilyUnsupported', /gelu/],
    ['a sliding window', { use_sliding_window: true }, 'FamilyUnsupported', /sliding-window/],
    [
      'an unknown rope scaling',
      { rope_scaling: { rope_type: 'longrope', factor: 2 } },
      'FamilyUnsupported',
      /longrope/,
    ],
    [
      'a rope scaling without its factor',
      { rope_scaling: { type: 'linear' } },
      'FamilyUnsupported',
      /no factor/,
    ],
    [
      'sizes that do not fit the weights',
      { intermediate_size: 24 },
      'WeightsUnsupported',
      /gate_proj.weight is \[16, 8\].*\[24, 8\]/,
    ],
  ])('refuses %s', (_, change, name, message) => {
    expect(() => plan(change)).toThrow(
      expect.objectContaining({ name, message: expect.stringMatching(message) }),
    );
  });

  it.each<[string, readonly WeightTensor[], RegExp]>([
    ['missing', without(`${layer}.mlp.up_proj.weight`), /has no tensor model.layers.0.mlp.up_proj.weight/],
    [
      'not of the family',
      [...tensors, tensor(`${layer}.mlp.router.weight`, [2, 8])],
      /no place for the tensor model.layers.0.mlp.router.weight/,
    ],
    ['no float', instead(tensor('model.norm.weight', [8], 'I8')), /model.norm.weight is I8/],
    ['a view', instead({ ...tensor('model.norm.weight', [8]), strides: [2] }), /is a view/],
  ])('refuses a tensor that is %s', (_, weights, message) => {
    expect(() => plan({}, weights)).toThrow(
      expect.objectContaining({ name: 'WeightsUnsupported', message: expect.stringMatching(message) }),
    );
  });

  it('refuses a scaling llama.cpp ignores for the family', () => {
    const qwen3 = { architectures: ['Qwen3ForCausalLM'], rope_scaling: { rope_type: 'llama3' } };
    const norms = ['q_norm', 'k_norm'].map((norm) => tensor(`${layer}.self_attn.${norm}.weight`, [4]));

    expect(() => plan(qwen3, [...tensors, ...norms])).toThrow(/no llama3 rope scaling for Qwen 3/);
  });
});

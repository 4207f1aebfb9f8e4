import { describe, expect, it } from 'vitest';
import { readAdapterConfig, scaleOf } from '../../../../../core/formats/peft/adapter-config.ts';

const config = (fields: object = {}) =>
  readAdapterConfig({ peft_type: 'LORA', r: 8, lora_alpha: 16, ...fields }, 'adapter_config.json');

describe('the scale of an adapter', () => {
  it('is alpha / r, and alpha / √r with rank stabilisation', () => {
    expect(scaleOf(config(), 'model.q_proj').scale).toBe(2);
    expect(scaleOf(config({ use_rslora: true, r: 16 }), 'model.q_proj').scale).toBe(4);
  });

  it('follows rank_pattern and alpha_pattern, the first key that covers the end of the path', () => {
    const patterned = config({
      rank_pattern: { 'layers\\.[0-3]\\.q_proj': 4, q_proj: 2 },
      alpha_pattern: { 'model.layers.5.q_proj': 20 },
    });

    expect(scaleOf(patterned, 'model.layers.3.q_proj')).toEqual({ rank: 4, scale: 4 });
    expect(scaleOf(patterned, 'model.layers.5.q_proj')).toEqual({ rank: 2, scale: 10 });
    expect(scaleOf(patterned, 'model.layers.5.v_proj')).toEqual({ rank: 8, scale: 2 });
    expect(scaleOf(patterned, 'model.layers.5.my_q_proj')).toEqual({ rank: 8, scale: 2 });
  });
});

describe('adapters that cannot be merged', () => {
  it.each([
    ['another method', { peft_type: 'IA3' }, 'peft_type "IA3"'],
    ['unknown biases', { bias: 'some' }, 'bias "some"'],
    [
      'rows that are no numbers',
      { trainable_token_indices: { embed_tokens: ['a'] } },
      'trainable_token_indices',
    ],
    ['one row twice', { trainable_token_indices: [1, 1] }, 'trainable_token_indices'],
    ['target parameters that are no names', { target_parameters: [1] }, 'list of modules'],
    ['replicated layers', { layer_replication: [[0, 4]] }, 'layer_replication'],
    ['activation tokens', { alora_invocation_tokens: [1] }, 'alora_invocation_tokens'],
    ['a changed base', { init_lora_weights: 'pissa_niter_4' }, 'init_lora_weights'],
    ['a pattern of Python only', { rank_pattern: { '(?P<x>q)_proj': 4 } }, 'the pattern'],
    ['a pattern that looks ahead', { alpha_pattern: { '(?!a)q': 4 } }, 'the pattern'],
    ['a broken pattern', { alpha_pattern: { '(q': 4 } }, 'the pattern'],
    ['QA-LoRA', { use_qalora: true }, 'use_qalora true: QA-LoRA pools'],
    ['Arrow', { arrow_config: { top_k: 2 } }, 'arrow_config {"top_k":2}'],
    ['Megatron', { megatron_config: { tensor_parallel: 2 } }, 'megatron_config'],
    ['KaSA', { kasa_config: { beta: 1 } }, 'kasa_config'],
    ['MonteCLoRA', { monteclora_config: { n: 1 } }, 'monteclora_config'],
    ['VeLoRA', { velora_config: { n: 1 } }, 'velora_config'],
    ['block-diagonal LoRA', { use_bdlora: { n: 1 } }, 'use_bdlora'],
    ['another OLoRA base', { init_lora_weights: 'olora' }, 'init_lora_weights "olora"'],
    ['another CorDA base', { init_lora_weights: 'corda' }, 'init_lora_weights "corda"'],
    ['another LoftQ base', { init_lora_weights: 'loftq' }, 'init_lora_weights "loftq"'],
    ['a beginning of a later peft', { init_lora_weights: 'nova' }, 'init_lora_weights "nova"'],
    ['a field of a later peft', { use_nova: true }, 'use_nova true: this version does not know'],
    ['a number in an unknown field', { nova_rank: 0 }, 'nova_rank 0'],
    ['no rank', { r: 0 }, 'the rank r 0'],
    ['no alpha', { lora_alpha: 'x' }, 'the lora_alpha "x"'],
    ['modules that are no names', { modules_to_save: [1] }, 'list of modules'],
  ])('are refused by name: %s', (_, fields, problem) => {
    expect(() => config(fields)).toThrow(
      expect.objectContaining({ name: 'AdapterUnsupported', message: expect.stringContaining(problem) }),
    );
  });

  it('are not confused with the empty and false fields peft writes into every config', () => {
    expect(() =>
      config({
        use_dora: false,
        bias: 'none',
        loftq_config: {},
        target_parameters: null,
        layer_replication: null,
        use_bdlora: null,
        use_nova: false,
        nova_config: {},
      }),
    ).not.toThrow();
  });

  it('are not confused with what tells how an adapter was begun, trained and saved', () => {
    expect(() =>
      config({
        init_lora_weights: 'gaussian',
        lora_dropout: 0.1,
        task_type: 'CAUSAL_LM',
        peft_version: '0.21.0',
        megatron_core: 'megatron.core',
        qalora_group_size: 16,
        eva_config: { rho: 2 },
        auto_mapping: { base_model_class: 'LlamaForCausalLM' },
        exclude_modules: ['v_proj'],
        layers_to_transform: [0],
        layers_pattern: 'layers',
        inference_mode: true,
        revision: 'main',
      }),
    ).not.toThrow();
  });
});

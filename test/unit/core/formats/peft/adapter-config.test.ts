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
      }),
    ).not.toThrow();
  });
});

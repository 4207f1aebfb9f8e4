import { describe, expect, it } from 'vitest';
import { changeModelConfig, readModelConfig } from '../../../../core/formats/model-config.ts';

describe('the config of a model', () => {
  it('tells vocabulary and tying, also of a language model one level down', () => {
    expect(readModelConfig('{"vocab_size":10,"tie_word_embeddings":true}', 'c')).toEqual({
      vocabularySize: 10,
      tiesWordEmbeddings: true,
    });
    expect(readModelConfig('{"text_config":{"vocab_size":10,"tie_word_embeddings":false}}', 'c')).toEqual({
      vocabularySize: 10,
      tiesWordEmbeddings: false,
    });
  });

  it('leaves tying open when it does not state it', () => {
    expect(readModelConfig('{"model_type":"gpt2"}', 'c')).toEqual({ modelType: 'gpt2' });
  });

  it('tells where the model came from and how it is quantized', () => {
    const quantized = '{"_name_or_path":"org/base","quantization_config":{"quant_method":"gptq"}}';

    expect(readModelConfig(quantized, 'c')).toMatchObject({ savedFrom: 'org/base', quantization: 'gptq' });
    expect(readModelConfig('{"quantization_config":{}}', 'c').quantization).toBe('of an unnamed method');
    expect(readModelConfig('{"quantization_config":null}', 'c').quantization).toBeUndefined();
  });

  it('is changed where it states the fact, and nowhere else', () => {
    const flat = changeModelConfig('{"a":1,"vocab_size":10,"z":2}', 'c', { vocabularySize: 12 });
    const nested = changeModelConfig('{"text_config":{"vocab_size":10}}', 'c', {
      vocabularySize: 12,
      tiesWordEmbeddings: false,
    });

    expect(Object.entries(JSON.parse(flat) as object)).toEqual([
      ['a', 1],
      ['vocab_size', 12],
      ['z', 2],
    ]);
    expect(JSON.parse(nested)).toEqual({ text_config: { vocab_size: 12, tie_word_embeddings: false } });
  });

  it('is refused when it is no object', () => {
    expect(() => readModelConfig('[]', '/m/config.json')).toThrow('/m/config.json is no JSON object');
    expect(() => readModelConfig('{', '/m/config.json')).toThrow('/m/config.json is no JSON object');
  });
});

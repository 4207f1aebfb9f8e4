import { describe, expect, it } from 'vitest';
import { changeModelConfig, readModelConfig } from '../../../../core/formats/model-config.ts';

describe('the config of a model', () => {
  it('tells vocabulary and tying, also of a language model one level down', () => {
    expect(readModelConfig('{"vocab_size":10,"tie_word_embeddings":true}', 'c')).toEqual({
      vocabularySize: 10,
      tiesWordEmbeddings: true,
    });
    expect(readModelConfig('{"text_config":{"vocab_size":10}}', 'c')).toEqual({
      vocabularySize: 10,
      tiesWordEmbeddings: false,
    });
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

import { describe, expect, it } from 'vitest';
import {
  isEmbedding,
  isOutputLayer,
  outputLayerOf,
  tiesLayers,
} from '../../../../core/formats/embedding-names.ts';

describe('the two layers with a row for each token', () => {
  it.each([
    ['model.embed_tokens.weight', 'lm_head.weight'],
    ['model.language_model.embed_tokens.weight', 'lm_head.weight'],
    ['language_model.model.embed_tokens.weight', 'language_model.lm_head.weight'],
    ['transformer.wte.weight', 'lm_head.weight'],
    ['wte.weight', 'lm_head.weight'],
    ['transformer.word_embeddings.weight', 'lm_head.weight'],
    ['gpt_neox.embed_in.weight', 'embed_out.weight'],
    ['model.tok_embeddings.weight', 'output.weight'],
    ['model.decoder.embed_tokens.weight', 'lm_head.weight'],
    ['biogpt.embed_tokens.weight', 'output_projection.weight'],
    ['rwkv.embeddings.weight', 'head.weight'],
    ['backbone.embeddings.weight', 'lm_head.weight'],
  ])('are known by the names of their models: %s, %s', (embedding, output) => {
    expect(isEmbedding(embedding)).toBe(true);
    expect(outputLayerOf(embedding)).toBe(output);
    expect(isOutputLayer(output)).toBe(true);
  });

  it.each([
    'transformer.wpe.weight',
    'model.my_embed_tokens.weight',
    'embeddings.position_embeddings.weight',
    'encoder.layer.0.attention.output.weight',
    'model.layers.0.head.weight',
    'my_lm_head.weight',
    'lm_head.bias',
  ])('are not confused with %s', (name) => {
    expect([isEmbedding(name), isOutputLayer(name)]).toEqual([false, false]);
  });
});

describe('tied layers of a model', () => {
  const embedding = { name: 'transformer.wte.weight' };
  const head = { name: 'lm_head.weight' };
  const silent = { tiesWordEmbeddings: undefined };

  it('are what the config states', () => {
    expect(tiesLayers({ tiesWordEmbeddings: false, modelType: 'gpt2' }, [embedding])).toBe(false);
    expect(tiesLayers({ tiesWordEmbeddings: true, modelType: 'llama' }, [embedding, head])).toBe(true);
  });

  it('follow from a missing output layer where the config is silent', () => {
    expect(tiesLayers({ ...silent, modelType: 'gpt2' }, [embedding])).toBe(true);
    expect(tiesLayers(silent, [embedding])).toBe(true);
    expect(tiesLayers(silent, [{ name: 'x.weight' }])).toBe(false);
  });

  it('are not assumed beside an output layer of its own', () => {
    expect(tiesLayers({ ...silent, modelType: 'gpt2' }, [embedding, head])).toBe(false);
    expect(tiesLayers({ ...silent, modelType: 'llama' }, [embedding, head])).toBe(false);
  });

  it('are what the architecture does where both names share one storage', () => {
    const shared = [embedding, { ...head, aliasOf: embedding.name }];
    const turned = [head, { ...embedding, aliasOf: head.name }];

    expect(tiesLayers({ ...silent, modelType: 'gpt2' }, shared)).toBe(true);
    expect(tiesLayers({ ...silent, modelType: 'gemma' }, turned)).toBe(true);
    expect(tiesLayers({ ...silent, modelType: 'llama' }, shared)).toBe(false);
  });
});

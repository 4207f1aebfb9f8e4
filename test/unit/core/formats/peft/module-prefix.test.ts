import { describe, expect, it } from 'vitest';
import { prefixResolver } from '../../../../../core/formats/peft/module-prefix.ts';

const resolver = (modelType: string | undefined, names: readonly string[]) =>
  prefixResolver(modelType, new Set(names));

describe('an adapter on a base that names its trunk otherwise', () => {
  it('loses the prefix where the base leaves it out', () => {
    const resolve = resolver('gpt2', ['wte.weight', 'h.0.attn.c_attn.weight']);

    expect(resolve('transformer.h.0.attn.c_attn.weight')).toBe('h.0.attn.c_attn.weight');
    expect(resolve('wte.weight')).toBe('wte.weight');
    expect(resolve('lm_head.weight')).toBe('lm_head.weight');
  });

  it('gets the prefix where only the base has it', () => {
    const resolve = resolver('gpt2', ['transformer.h.0.attn.c_attn.weight', 'lm_head.weight']);

    expect(resolve('h.0.attn.c_attn.weight')).toBe('transformer.h.0.attn.c_attn.weight');
    expect(resolve('transformer.h.0.attn.c_attn.weight')).toBe('transformer.h.0.attn.c_attn.weight');
    expect(resolve('lm_head.weight')).toBe('lm_head.weight');
    expect(resolve('h.9.attn.c_attn.weight')).toBe('h.9.attn.c_attn.weight');
  });

  it('keeps its names where the architecture has no known prefix', () => {
    expect(resolver(undefined, ['h.0.weight'])('transformer.h.0.weight')).toBe('transformer.h.0.weight');
    expect(resolver('unheard-of', ['h.0.weight'])('transformer.h.0.weight')).toBe('transformer.h.0.weight');
  });
});

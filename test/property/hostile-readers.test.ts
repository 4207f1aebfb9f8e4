import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readModelShape } from '../../core/catalog/families/model-shape.ts';
import { familyOf } from '../../core/catalog/families/registry.ts';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { changeModelConfig, readModelConfig } from '../../core/formats/model-config.ts';
import { readAdapterConfig, scaleOf } from '../../core/formats/peft/adapter-config.ts';
import { linearExpression } from '../../core/formats/peft/linear-expression.ts';
import { parseModelConfig } from '../../core/formats/quantized/config-file.ts';
import { readQuantizedLinears } from '../../core/formats/quantized/read-quantized.ts';
import type { TensorDtype } from '../../core/formats/tensor.ts';
import { parseShardIndex, writeShardIndex } from '../../core/formats/shard-index.ts';
import { JsonSyntaxError, parseStrictJson } from '../../core/formats/strict-json.ts';
import { readVocabulary } from '../../core/formats/tokenizer/read-vocabulary.ts';
import { rowsNeeded, readVocabulary as readTokens } from '../../core/formats/tokenizer-vocabulary.ts';
import { shortTokenizer } from '../fixtures/gguf/tiny-tokenizers.ts';
import { damagedText, fuzzRuns, slowReadMs } from '../fixtures/hostile/damage.ts';
import { formulaConfig } from '../fixtures/weights/formula-model.ts';

/** A value or a failure of the table, in time; anything else is a bug. */
function endsProperly(read: () => unknown): void {
  const begun = performance.now();
  try {
    read();
  } catch (error) {
    if (!isBuildFailure(error) && !(error instanceof JsonSyntaxError)) throw error;
  }
  expect(performance.now() - begun).toBeLessThan(slowReadMs);
}

const index = writeShardIndex(new Map([['a.weight', 'model-00001-of-00002.safetensors']]), 12);
const adapter = JSON.stringify({
  peft_type: 'LORA',
  r: 8,
  lora_alpha: 16,
  target_modules: ['q_proj'],
  rank_pattern: { '^model\\.layers\\.[0-9]+\\.(q|k)_proj': 4 },
  alpha_pattern: { v_proj: 2 },
  modules_to_save: ['lm_head'],
  trainable_token_indices: [1, 2],
});
const config = JSON.stringify({
  model_type: 'llama',
  vocab_size: 32,
  text_config: { tie_word_embeddings: true },
  quantization_config: {
    quant_method: 'compressed-tensors',
    format: 'pack-quantized',
    config_groups: {
      group_0: { weights: { num_bits: 4, type: 'int', symmetric: true, strategy: 'group', group_size: 32 } },
    },
  },
});
const shape = JSON.stringify(formulaConfig);
const tokenizer = JSON.stringify(shortTokenizer);
const part = (name: string, dtype: TensorDtype, shape: readonly number[]) =>
  ({ name: `m.${name}`, dtype, shape, bytes: 0, file: '/x', offset: 0 }) as const;
const gptq = JSON.stringify({
  quantization_config: {
    quant_method: 'gptq',
    bits: 4,
    group_size: 32,
    checkpoint_format: 'gptq_v2',
    sym: false,
    dynamic: { '-:lm_head': {} },
  },
});
const gptqCodes = [
  part('qweight', 'I32', [8, 8]),
  part('qzeros', 'I32', [2, 1]),
  part('scales', 'F16', [2, 8]),
  part('g_idx', 'I32', [64]),
];
const fp8 = JSON.stringify({
  quantization_config: { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128] },
});
const fp8Codes = [part('weight', 'F8_E4M3', [256, 128]), part('weight_scale_inv', 'F32', [2, 1])];
const codes = [part('weight_packed', 'I32', [8, 8]), part('weight_scale', 'F16', [8, 2])];

function tensorsOf(text: string): unknown {
  const found = readModelShape(parseModelConfig(text, '/c'));
  return familyOf(found.architecture).tensors(found);
}

const readers: readonly (readonly [name: string, seed: string, read: (text: string) => unknown])[] = [
  ['strict JSON', config, parseStrictJson],
  ['shard index', index, (text) => parseShardIndex(text, '/index.json')],
  [
    'model config',
    config,
    (text) => [readModelConfig(text, '/c'), changeModelConfig(text, '/c', { vocabularySize: 9 })],
  ],
  [
    'adapter config',
    adapter,
    (text) => {
      parseStrictJson(text);
      return scaleOf(readAdapterConfig(JSON.parse(text), '/a'), 'model.layers.3.self_attn.q_proj');
    },
  ],
  ['quantized config', config, (text) => readQuantizedLinears(codes, parseModelConfig(text, '/c'))],
  ['gptq config', gptq, (text) => readQuantizedLinears(gptqCodes, parseModelConfig(text, '/c'))],
  ['config of fp8 in blocks', fp8, (text) => readQuantizedLinears(fp8Codes, parseModelConfig(text, '/c'))],
  ['model shape', shape, tensorsOf],
  ['tokens', tokenizer, (text) => rowsNeeded(readTokens(parseModelConfig(text, '/t'), null))],
  [
    'vocabulary',
    tokenizer,
    (text) => readVocabulary({ tokenizer: parseModelConfig(text, '/t') }, { vocabularySize: 16, config: {} }),
  ],
];

describe.each(readers)('the reader of a %s', (_, seed, read) => {
  it('takes what its writer writes', () => {
    expect(() => read(seed)).not.toThrow();
  });

  it.each([
    ['any text', fc.string({ unit: 'binary', maxLength: 300 })],
    ['any JSON', fc.json({ maxDepth: 6 })],
    ['a damaged file', damagedText(seed)],
  ])('gives a value or a named failure for %s', (_kind, texts) => {
    fc.assert(
      fc.property(texts, (text) => endsProperly(() => read(text))),
      fuzzRuns(400),
    );
  });
});

describe('regular expressions of adapters', () => {
  const letters = fc.constantFrom(
    'a',
    'b',
    '.',
    '*',
    '+',
    '?',
    '|',
    '(',
    ')',
    '[',
    ']',
    '^',
    '$',
    '\\.',
    '\\d',
    '{2}',
    '{0,3}',
    '-',
  );
  const sources = fc.array(letters, { maxLength: 14 }).map((parts) => parts.join(''));

  it('match what JavaScript’s own engine matches', () => {
    fc.assert(
      fc.property(
        sources,
        fc.string({ unit: fc.constantFrom('a', 'b', '.', '1', '-'), maxLength: 8 }),
        (source, text) => {
          const matches = linearExpression(source);
          if (matches === undefined) return;
          expect(matches(text)).toBe(new RegExp(`^(?:${source})$`).test(text));
        },
      ),
      fuzzRuns(4000),
    );
  });

  it('end in time, whatever they are and whatever they are tried on', () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 200 }), fc.nat(400), (parts, length) =>
        endsProperly(() => linearExpression(parts.join(''))?.('a'.repeat(length))),
      ),
      fuzzRuns(300),
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../../core/domain/json.ts';
import { recognisePreTokenizer } from '../../../../../core/formats/tokenizer/pre-tokenizers.ts';
import goldens from '../../../../fixtures/gguf/tokenizers.json' with { type: 'json' };

const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
const digits = { type: 'Digits', individual_digits: true };

function splits(...expressions: readonly string[]): Json {
  const stages = expressions.map((Regex) => ({
    type: 'Split',
    pattern: { Regex },
    behavior: 'Isolated',
    invert: false,
  }));
  return { type: 'Sequence', pretokenizers: [...stages, { ...bytes, use_regex: false }] };
}

describe('the pre-tokenizer of a published family', () => {
  it.each(goldens.preTokenizers)('$of is recognised as $name ($by)', ({ tokenizer, name }) => {
    expect(recognisePreTokenizer(tokenizer as Json)).toBe(name);
  });

  it.each([
    // tokenizer.json of GPT-2 itself was written before `use_regex` existed.
    ['GPT-2, in its older form', bytes, 'gpt-2'],
    // SmolLM and SmolLM2; llama.cpp's converter knows them by digest as the same.
    ['SmolLM', { type: 'Sequence', pretokenizers: [digits, { ...bytes, use_regex: true }] }, 'smollm'],
  ])('%s is recognised', (_, pre_tokenizer, name) => {
    expect(recognisePreTokenizer({ pre_tokenizer, model: { type: 'BPE' } })).toBe(name);
  });

  it('is told from its neighbour by one character, and by whether merges are ignored', () => {
    const qwen = goldens.preTokenizers.find(({ name }) => name === 'qwen2');
    const text = JSON.stringify(qwen?.tokenizer);
    const three = JSON.parse(text.replaceAll('|\\\\p{N}|', '|\\\\p{N}{1,3}|')) as { pre_tokenizer: Json };

    expect(recognisePreTokenizer({ ...three, model: { ignore_merges: true } })).toBe('llama-bpe');
    expect(recognisePreTokenizer({ ...three, model: { ignore_merges: false } })).toBe('dbrx');
    expect(() => recognisePreTokenizer({ ...JSON.parse(text), model: { ignore_merges: true } })).toThrow(
      'has no equivalent in llama.cpp',
    );
  });

  it.each([
    // The expressions are those of deepseek-v3 in llama.cpp's src/llama-vocab.cpp; its family is not in the catalog.
    [
      'DeepSeek V3',
      splits(
        String.raw`\p{N}{1,3}`,
        '[一-龥぀-ゟ゠-ヿ]+',
        '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
      ),
    ],
    ['one that puts a space before the text', { ...bytes, add_prefix_space: true }],
    [
      'one whose digits stay together',
      { type: 'Sequence', pretokenizers: [{ ...digits, individual_digits: false }, bytes] },
    ],
    ['none at all', null],
  ])('%s is refused rather than taken for a similar one', (_, pre_tokenizer) => {
    expect(() => recognisePreTokenizer({ pre_tokenizer, model: { type: 'BPE' } })).toThrow(
      expect.objectContaining({ name: 'TokenizerUnsupported' }),
    );
  });
});

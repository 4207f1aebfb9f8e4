import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../../core/domain/json.ts';
import { readVocabulary } from '../../../../../core/formats/tokenizer/read-vocabulary.ts';
import {
  type BpeOptions,
  bpeTokenizer,
  bpeVocabularySize,
  sentencePieceCount,
  sentencePieceModel,
} from '../../../../fixtures/gguf/tiny-tokenizers.ts';

const options: BpeOptions = {
  split: 'bytes',
  added: [
    { text: '<s>', special: true },
    { text: '</s>', special: true },
    { text: '▁tool', special: false },
    { text: '<|forgotten|>', special: false },
  ],
  bos: '<s>',
};
const size = bpeVocabularySize(options);
const model = (extra: JsonObject = {}) => ({ vocabularySize: size, config: { ...extra } });
const names = { bos_token: '<s>', eos_token: { content: '</s>' } };
const changed = (change: JsonObject): Json => ({ ...bpeTokenizer(options), ...change });
const changedModel = (change: JsonObject): Json => {
  const tokenizer = bpeTokenizer(options);
  return { ...tokenizer, model: { ...(tokenizer['model'] as JsonObject), ...change } };
};

describe('a byte-level BPE tokenizer.json', () => {
  it('gives tokens with their class, special ids and what is put around a text', () => {
    const found = readVocabulary({ tokenizer: bpeTokenizer(options), config: names }, model());

    expect(found).toMatchObject({ kind: 'bpe', preTokenizer: 'gpt-2', addBos: true });
    expect(found.addEos).toBeUndefined();
    expect(found.tokens.slice(-4).map(({ text, class: kind }) => [text, kind])).toEqual([
      ['<s>', 'control'],
      ['</s>', 'control'],
      [' tool', 'user'],
      ['<|forgotten|>', 'control'],
    ]);
    expect([...found.special]).toEqual([
      ['bos', size - 4],
      ['eos', size - 3],
    ]);
  });

  it('lets tokenizer_config.json overrule the template', () => {
    const config = { ...names, add_bos_token: false, add_eos_token: true };

    expect(readVocabulary({ tokenizer: bpeTokenizer(options), config }, model())).toMatchObject({
      addBos: false,
      addEos: true,
    });
  });

  it('takes ids from config.json where no text is named, the first of several', () => {
    const found = readVocabulary(
      { tokenizer: changed({ post_processor: null }) },
      model({ eos_token_id: [7, 8], pad_token_id: 9 }),
    );

    expect([...found.special]).toEqual([
      ['eos', 7],
      ['pad', 9],
    ]);
  });

  it('fills ids without a token', () => {
    const found = readVocabulary(
      { tokenizer: bpeTokenizer(options), config: names },
      { vocabularySize: size + 1, config: {} },
    );

    expect(found.tokens.at(-1)).toMatchObject({ text: `[PAD${size}]`, class: 'unused' });
  });

  it('treats a trained token as control when it has a special role', () => {
    const found = readVocabulary(
      { tokenizer: bpeTokenizer(options), config: { ...names, unk_token: 'ing' } },
      model(),
    );

    expect(found.tokens.find(({ text }) => text === 'ing')).toMatchObject({ class: 'control' });
    expect(found.special.get('unk')).toBe(261);
  });

  it.each([
    [
      'ids beyond the embedding rows',
      bpeTokenizer(options),
      size - 1,
      /has the id \d+, but the model has only/,
    ],
    ['another kind of model', changedModel({ type: 'WordPiece' }), size, /of type WordPiece/],
    [
      'a converted SentencePiece model',
      changedModel({ byte_fallback: true }),
      size,
      /converted SentencePiece/,
    ],
    ['suffixes of words', changedModel({ end_of_word_suffix: '</w>' }), size, /end_of_word_suffix/],
    [
      'a normalizer llama.cpp lacks',
      changed({ normalizer: { type: 'Lowercase' } }),
      size,
      /normalizer Lowercase/,
    ],
    [
      'an unknown pre-tokenizer',
      changed({ pre_tokenizer: { type: 'Metaspace' } }),
      size,
      /"type":"Metaspace"/,
    ],
    [
      'a space put before the text',
      changed({ pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }),
      size,
      /pre-tokenizer/,
    ],
    ['merges that are ignored', changedModel({ ignore_merges: true }), size, /with ignore_merges/],
    ['a merge of three', changedModel({ merges: [['a', 'b', 'c']] }), size, /no pair/],
  ])('with %s is TokenizerUnsupported', (_, tokenizer, vocabularySize, message) => {
    const read = () => readVocabulary({ tokenizer, config: names }, { vocabularySize, config: {} });

    expect(read).toThrow(
      expect.objectContaining({ name: 'TokenizerUnsupported', message: expect.stringMatching(message) }),
    );
  });

  it('is refused when it adds something else than bos before a text', () => {
    const read = () =>
      readVocabulary({ tokenizer: bpeTokenizer(options), config: { bos_token: '</s>' } }, model());

    expect(read).toThrow(/adds <s> to every text, but its bos token is <\/s>/);
  });
});

describe('a SentencePiece tokenizer.model', () => {
  const tiny = { vocabularySize: sentencePieceCount, config: {} };

  it('is preferred to tokenizer.json and keeps its scores and classes', () => {
    const found = readVocabulary(
      { tokenizer: bpeTokenizer(options), config: names, sentencePiece: sentencePieceModel() },
      tiny,
    );

    expect(found).toMatchObject({ kind: 'spm', preTokenizer: 'default', merges: [] });
    expect(found.tokens.slice(0, 4).map((token) => token.class)).toEqual([
      'unknown',
      'control',
      'control',
      'byte',
    ]);
    expect(found.tokens[261]).toEqual({ text: '▁the', class: 'normal', score: -2 });
  });

  it('is refused when it is damaged or of the unigram kind', () => {
    const unigram = sentencePieceModel();
    // The trainer's model type is the first field behind the pieces: tag 0x12, length, 0x18, 2.
    const at = unigram.findLastIndex(
      (byte, index) => byte === 0x18 && unigram[index + 1] === 2 && unigram[index - 2] === 0x12,
    );
    unigram[at + 1] = 1;

    expect(() => readVocabulary({ sentencePiece: unigram }, tiny)).toThrow(/is not a BPE model/);
    expect(() => readVocabulary({ sentencePiece: sentencePieceModel().slice(0, 100) }, tiny)).toThrow(
      /is damaged/,
    );
  });
});

it('a folder without a tokenizer is TokenizerUnsupported', () => {
  expect(() => readVocabulary({}, model())).toThrow(/neither tokenizer.json nor tokenizer.model/);
});

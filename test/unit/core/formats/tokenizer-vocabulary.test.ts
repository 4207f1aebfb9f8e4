import { describe, expect, it } from 'vitest';
import {
  bringsVocabulary,
  findConflict,
  isTokenizerFile,
  readVocabulary,
  rowsNeeded,
} from '../../../../core/formats/tokenizer-vocabulary.ts';

describe('the vocabulary of a tokenizer', () => {
  it('joins the model, its added tokens and added_tokens.json', () => {
    const vocabulary = readVocabulary(
      { model: { vocab: { a: 0, b: 1 } }, added_tokens: [{ id: 2, content: '<x>' }] },
      { '<y>': 5 },
    );

    expect([...vocabulary]).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, '<x>'],
      [5, '<y>'],
    ]);
    expect(rowsNeeded(vocabulary)).toBe(6);
  });

  it('reads the list form of unigram models and passes over what is malformed', () => {
    expect([
      ...readVocabulary(
        {
          model: {
            vocab: [
              ['a', -1],
              ['b', -2],
            ],
          },
        },
        undefined,
      ),
    ]).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
    expect(readVocabulary(7, ['x']).size).toBe(0);
    expect(rowsNeeded(new Map())).toBe(0);
  });

  it('conflicts only when an id changes its meaning', () => {
    const small = new Map([[0, 'a']]);

    expect(
      findConflict(
        small,
        new Map([
          [0, 'a'],
          [1, 'b'],
        ]),
      ),
    ).toBeUndefined();
    expect(findConflict(small, new Map([[0, 'z']]))).toBe(0);
  });

  it('is brought by vocabulary files, not by settings alone', () => {
    expect(bringsVocabulary(['tokenizer_config.json', 'chat_template.jinja'])).toBe(false);
    expect(bringsVocabulary(['tokenizer.model'])).toBe(true);
    expect(
      ['tokenizer.json', 'config.json', 'chat_template.jinja', 'README.md'].filter(isTokenizerFile),
    ).toEqual(['tokenizer.json', 'chat_template.jinja']);
  });
});

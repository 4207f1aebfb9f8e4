import { describe, expect, it } from 'vitest';
import { compareTokenizers, endsElsewhere } from '../../../../core/formats/tokenizer-difference.ts';
import { describeDifference } from '../../../../core/reports/describe-merge.ts';

const facts = (texts: readonly string[], config: object = {}, template?: string) => ({
  vocabulary: new Map(texts.map((text, id) => [id, text])),
  config,
  template,
});

describe('the difference of two tokenizers', () => {
  it('names added, removed and changed tokens', () => {
    const difference = compareTokenizers(facts(['a', 'b', 'c']), facts(['a', 'x', 'c', '<new>']));

    expect(difference).toMatchObject({ added: 1, removed: 0, changed: 1, firstAdded: ['<new>'] });
    expect(compareTokenizers(facts(['a', 'b']), facts(['a']))).toMatchObject({ removed: 1 });
  });

  it('names special tokens in either spelling, and the chat template wherever it stands', () => {
    const base = facts(['a'], { eos_token: '</s>', chat_template: 'x' });
    const adapter = facts(['a'], { eos_token: { content: '<|end|>' } }, 'x');

    const difference = compareTokenizers(base, adapter);

    expect(difference.specialTokens).toEqual([{ role: 'eos_token', from: '</s>', to: '<|end|>' }]);
    expect(difference.chatTemplate).toBe('same');
    expect(compareTokenizers(base, facts(['a'])).chatTemplate).toBe('removed');
    expect(describeDifference(difference)).toBe('eos_token </s> → <|end|>');
    expect(describeDifference(compareTokenizers(base, base))).toBe('');
  });

  it('notices generation settings that end a text elsewhere', () => {
    const adopted = facts(['a', '<|end|>'], { eos_token: '<|end|>' });

    expect(endsElsewhere({ eos_token_id: [0] }, adopted)).toContain('at token 0, the adopted tokenizer at 1');
    expect(endsElsewhere({ eos_token_id: [0, 1] }, adopted)).toBeUndefined();
    expect(endsElsewhere(undefined, adopted)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { readMergeReport, readTensorErrors } from '../../../activities/judge/read-facts.ts';
import type { JsonObject } from '../../../core/domain/json.ts';

const merge: JsonObject = {
  warnings: ['two adapters are states of one run'],
  rounding: 'once',
  tensorsMerged: 42,
  tensorsReplaced: 0,
  tokenizer: 'adapter',
  tokenizerDifference: {
    added: 8,
    removed: 0,
    changed: 0,
    firstAdded: ['<|user|>'],
    specialTokens: [{ role: 'pad', from: null, to: '<pad>' }],
    chatTemplate: 'added',
  },
  vocabulary: { before: 4096, after: 4104, averaged: 0 },
  bytes: 12,
};
const linear = { name: 'q_proj', maxAbs: 1, relativeFrobenius: 0.1, cosine: 0.9, sqnr: null };

describe('facts that a report is made of', () => {
  it('go on as they are, in their order', () => {
    expect(JSON.stringify(readMergeReport(merge))).toBe(JSON.stringify(merge));
    expect(readTensorErrors({ linears: 1, worst: [linear] })).toEqual([linear]);
    expect(readTensorErrors({ linears: 1 })).toEqual([]);
  });

  it.each([
    ['without warnings', { ...merge, warnings: null }, 'warnings'],
    ['with a count in words', { ...merge, tensorsMerged: 'many' }, 'tensorsMerged'],
    ['with half a vocabulary', { ...merge, vocabulary: { before: 1 } }, 'vocabulary.after'],
    ['with nothing at all', {}, 'tensorsMerged'],
  ])('of a merge %s are damage of the store', (_, facts, place) => {
    expect(() => readMergeReport(facts)).toThrow(
      expect.objectContaining({ name: 'StoreCorrupt', message: expect.stringContaining(place) }),
    );
  });

  it('of a quantized model whose errors are no list are damage of the store', () => {
    expect(() => readTensorErrors({ worst: 'none' })).toThrow(
      expect.objectContaining({ name: 'StoreCorrupt' }),
    );
    expect(() => readTensorErrors({ worst: [{ ...linear, cosine: '1' }] })).toThrow('worst.0.cosine');
  });
});

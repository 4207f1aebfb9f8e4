import { describe, expect, it } from 'vitest';
import { cutWindows, digestWindows } from '../../../../../system/toolchains/llama-cpp/cut-windows.ts';

/** One token a character: a = 1, b = 2, …; BOS is 100. */
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0) - 96);
const tokenizer = { whole: (text: string) => [100, ...letters(text)], bare: letters, bos: 100 };

describe('cutWindows', () => {
  it('puts BOS in front of every window of a running text and scores all that follows', () => {
    const windows = cutWindows({ kind: 'text', text: 'abcdef', window: 4 }, tokenizer);

    expect(windows).toEqual([
      { tokens: [100, 1, 2, 3], scoreFrom: 1 },
      { tokens: [100, 4, 5, 6], scoreFrom: 1 },
    ]);
  });

  it('does not score the first token of a window without BOS, which has no past', () => {
    const windows = cutWindows({ kind: 'text', text: 'abcd', window: 2 }, { ...tokenizer, bos: null });

    expect(windows).toEqual([
      { tokens: [1, 2], scoreFrom: 1 },
      { tokens: [3, 4], scoreFrom: 1 },
    ]);
  });

  it('scores each token of overlapping windows once', () => {
    const windows = cutWindows({ kind: 'text', text: 'abcdefgh', window: 5, stride: 2 }, tokenizer);

    const scored = windows.flatMap(({ tokens, scoreFrom }) => tokens.slice(scoreFrom));
    expect(scored).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(windows[1]).toEqual({ tokens: [100, 3, 4, 5, 6], scoreFrom: 3 });
  });

  it('leaves out a rest too short for a window, and stops at the most windows asked for', () => {
    expect(cutWindows({ kind: 'text', text: 'abcdefg', window: 4 }, tokenizer)).toHaveLength(2);
    expect(cutWindows({ kind: 'text', text: 'abcdefg', window: 4, maxWindows: 1 }, tokenizer)).toHaveLength(
      1,
    );
  });

  it('refuses a text shorter than one window', () => {
    expect(() => cutWindows({ kind: 'text', text: 'ab', window: 4 }, tokenizer)).toThrow(
      expect.objectContaining({ name: 'DatasetEmpty' }),
    );
  });

  it('makes one window of each text of a list', () => {
    const windows = cutWindows({ kind: 'texts', texts: ['ab', 'c'] }, tokenizer);

    expect(windows.map(({ tokens }) => tokens)).toEqual([
      [100, 1, 2],
      [100, 3],
    ]);
  });
});

describe('digestWindows', () => {
  const window = (...tokens: number[]) => ({ tokens, scoreFrom: 1 });

  it('tells apart the same tokens cut at another place', () => {
    expect(digestWindows([window(1, 2), window(3)])).not.toBe(digestWindows([window(1), window(2, 3)]));
  });

  it('is the same for the same windows', () => {
    expect(digestWindows([window(1, 2)])).toBe(digestWindows([window(1, 2)]));
  });
});

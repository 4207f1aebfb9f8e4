import { describe, expect, it } from 'vitest';
import { StopWatcher } from '../../../../../system/toolchains/llama-cpp/ops/stop-watcher.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('StopWatcher', () => {
  it('sees a stop string that three tokens share', () => {
    const watcher = new StopWatcher(['###']);

    expect(['a#', '#', 'b##', '#'].map((piece) => watcher.sees(bytes(piece)))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('sees a character whose bytes come apart', () => {
    const watcher = new StopWatcher(['界']);
    const [first, ...rest] = bytes('界');

    expect(watcher.sees(Uint8Array.of(first ?? 0))).toBe(false);
    expect(watcher.sees(Uint8Array.from(rest))).toBe(true);
  });

  it('cuts at the first of several', () => {
    expect(new StopWatcher(['x', 'b']).cut('abcx')).toBe('a');
  });

  it('does nothing without stop strings', () => {
    const watcher = new StopWatcher([]);

    expect(watcher.sees(bytes('anything'))).toBe(false);
    expect(watcher.cut('anything')).toBe('anything');
  });
});

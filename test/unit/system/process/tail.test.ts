import { describe, expect, it } from 'vitest';
import { LineTail } from '../../../../system/process/tail.ts';

describe('lines out of chunks', () => {
  it('are complete however the chunks were cut', () => {
    const text = 'one\r\ntwo\n\nthree\r\nfo\rur';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const tail = new LineTail();
      const lines = [...tail.push(text.slice(0, cut)), ...tail.push(text.slice(cut)), ...tail.end()];

      expect(lines, `cut at ${cut}`).toEqual(['one', 'two', '', 'three', 'fo\rur']);
    }
  });

  it('end once', () => {
    const tail = new LineTail();
    tail.push('half');

    expect(tail.end()).toEqual(['half']);
    expect(tail.end()).toEqual([]);
    expect(tail.text).toBe('half');
  });
});

describe('the tail', () => {
  it('holds the last lines', () => {
    const tail = new LineTail(2);
    tail.push('a\nb\nc\nd');

    expect(tail.text).toBe('b\nc');
    tail.end();
    expect(tail.text).toBe('c\nd');
  });

  it('shortens long lines, though not those it hands on', () => {
    const tail = new LineTail();

    expect(tail.push(`${'x'.repeat(500)}\n`)[0]).toHaveLength(500);
    expect(tail.text).toBe(`${'x'.repeat(400)}…`);
  });
});

import { expect, describe, it } from 'vitest';
import { createPrinter, type Printer, type Screen } from '../../../../cli/output/printer.ts';

interface Recorded {
  readonly print: Printer;
  /** Everything written, in order, without regard to the stream: a terminal shows both. */
  readonly written: string[];
}

/** A printer whose two streams write into one list, as a terminal shows them. */
function recorded(err: Omit<Screen, 'write'>, json = false): Recorded {
  const written: string[] = [];
  const write = (text: string): number => written.push(text);
  return { print: createPrinter({ json, color: true }, { out: { write }, err: { ...err, write } }), written };
}

/** What a terminal shows in the end: the two control sequences a printer uses, carried out. */
function screenAfter(written: readonly string[]): string[] {
  const lines = [''];
  for (const piece of written.join('').split('\u001B[')) {
    const [, up, left = ''] = /^(?:(\d+)A|0J)?([\s\S]*)$/.exec(piece) ?? [];
    if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Number(up) + 1, '');
    const [first = '', ...rest] = left.split('\n');
    lines[lines.length - 1] += first;
    lines.push(...rest);
  }
  return lines.slice(0, -1);
}

const terminal = { isTTY: true, rows: 24, columns: 80 };

describe('lines drawn on a terminal', () => {
  it('are replaced by the next ones, however many they were', () => {
    const { print, written } = recorded(terminal);
    print.redraw(['a', 'b', 'c']);
    print.redraw(['d']);

    expect(written).toEqual(['a\nb\nc\n', '\u001B[3A\u001B[0J', 'd\n']);
    print.redraw(['e', 'f']);
    expect(screenAfter(written)).toEqual(['e', 'f']);
  });

  it('make room for a note, which stays', () => {
    const { print, written } = recorded(terminal);
    print.redraw(['a', 'b']);
    print.note('a note');
    print.redraw(['c']);
    print.redraw(['d']);

    expect(screenAfter(written)).toEqual(['a note', 'd']);
  });

  it('stay above the result, which a later note leaves alone', () => {
    const { print, written } = recorded(terminal);
    print.redraw(['a', 'b']);
    print.result({}, 'the table\nthe verdict');
    print.note('a note');

    expect(screenAfter(written)).toEqual(['a', 'b', 'the table', 'the verdict', 'a note']);
  });

  it('are the last ones where more would scroll away, and clipped where they would wrap', () => {
    const { print, written } = recorded({ isTTY: true, rows: 5, columns: 10 });
    print.redraw(['one', 'two', 'three', 'four', 'exactly 9', 'ten chars.', '🙂'.repeat(12)]);

    expect(screenAfter(written)).toEqual(['four', 'exactly 9', 'ten char…', `${'🙂'.repeat(8)}…`]);
  });

  it('are never fewer than four, and a terminal without a size has one', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const low = recorded({ isTTY: true, rows: 1, columns: 80 });
    const unknown = recorded({ isTTY: true });
    low.print.redraw(lines);
    unknown.print.redraw([...lines, 'x'.repeat(200)]);

    expect(screenAfter(low.written)).toEqual(lines.slice(-4));
    expect(screenAfter(unknown.written)).toHaveLength(23);
    expect(screenAfter(unknown.written).at(-1)).toHaveLength(99);
  });
});

describe('on a pipe', () => {
  it('nothing is drawn and nothing is coloured', () => {
    const { print, written } = recorded({});
    print.redraw(['a']);
    print.note('b');

    expect([print.live, print.color]).toEqual([false, false]);
    expect(written).toEqual(['b\n']);
  });

  it('the result is the text with one newline at its end, or one document', () => {
    const text = recorded({});
    text.print.result({ a: 1 }, 'as text');
    text.print.result({ a: 1 }, 'ended\n');
    const json = recorded({}, true);
    json.print.result({ a: 1 }, 'as text');

    expect(text.written).toEqual(['as text\n', 'ended\n']);
    expect(json.written).toEqual(['{\n  "a": 1\n}\n']);
  });
});

/** stdout carries the result (text, or one JSON document), stderr everything else. */
export interface Printer {
  readonly json: boolean;
  /** True when stderr is a terminal that can be redrawn. */
  readonly live: boolean;
  readonly color: boolean;
  /** The result, once: `value` with --json, else `text`. */
  result(value: unknown, text: string): void;
  /** A line for the person who waits. */
  note(line: string): void;
  /** Replaces the lines drawn last; on a pipe only what changed is printed, by the caller's `note`. */
  redraw(lines: readonly string[]): void;
}

export function createPrinter({ json, color }: { readonly json: boolean; readonly color: boolean }): Printer {
  const live = process.stderr.isTTY;
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) process.stderr.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  return {
    json,
    live,
    color: color && live,
    result(value, text) {
      const content = json ? JSON.stringify(value, null, 2) : text;
      process.stdout.write(content.endsWith('\n') ? content : `${content}\n`);
    },
    note(line) {
      erase();
      process.stderr.write(`${line}\n`);
    },
    redraw(lines) {
      if (!live) return;
      erase();
      const rows = Math.max(4, (process.stderr.rows ?? 24) - 1);
      const columns = process.stderr.columns ?? 100;
      const shown = lines.slice(-rows).map((line) => clipTo(line, columns - 1));
      process.stderr.write(shown.map((line) => `${line}\n`).join(''));
      drawn = shown.length;
    },
  };
}

/** A line that wraps would be counted as one and leave rests behind. */
function clipTo(line: string, columns: number): string {
  return [...line].length <= columns ? line : `${[...line].slice(0, columns - 1).join('')}…`;
}

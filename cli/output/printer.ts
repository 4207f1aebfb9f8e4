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

/** What a printer needs of stdout and stderr. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Screens {
  readonly out: Screen;
  readonly err: Screen;
}

export function createPrinter(
  { json, color }: { readonly json: boolean; readonly color: boolean },
  { out, err }: Screens = { out: process.stdout, err: process.stderr },
): Printer {
  const live = err.isTTY === true;
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) err.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  return {
    json,
    live,
    color: color && live,
    result(value, text) {
      // What is drawn stays above it: erased later, it would take the result along.
      drawn = 0;
      const content = json ? JSON.stringify(value, null, 2) : text;
      out.write(content.endsWith('\n') ? content : `${content}\n`);
    },
    note(line) {
      erase();
      err.write(`${line}\n`);
    },
    redraw(lines) {
      if (!live) return;
      erase();
      const rows = Math.max(4, (err.rows ?? 24) - 1);
      const columns = err.columns ?? 100;
      const shown = lines.slice(-rows).map((line) => clipTo(line, columns - 1));
      err.write(shown.map((line) => `${line}\n`).join(''));
      drawn = shown.length;
    },
  };
}

/** A line that wraps would be counted as one and leave rests behind. */
function clipTo(line: string, columns: number): string {
  return [...line].length <= columns ? line : `${[...line].slice(0, columns - 1).join('')}…`;
}

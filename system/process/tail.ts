/** A line longer than this many characters is handed on in parts: no tool means it. */
const longestLine = 1 << 24;

/** Splits a stream of chunks into lines and remembers the last few for a failure's message. */
export class LineTail {
  readonly #keep: number;
  readonly #lines: string[] = [];
  /** The line not ended yet, in pieces: joining at each chunk would make a long line quadratic. */
  #pieces: string[] = [];
  #length = 0;

  constructor(keep = 20) {
    this.#keep = keep;
  }

  /** Returns the lines this chunk completed. */
  push(chunk: string): string[] {
    const parts = chunk.split('\n');
    const rest = parts.pop() ?? '';
    const lines = parts.map((part) => this.#complete(part));
    this.#pieces.push(rest);
    this.#length += rest.length;
    return this.#length > longestLine ? [...lines, this.#complete('')] : lines;
  }

  /** Ends the stream; returns the last line if it had no newline. */
  end(): string[] {
    return this.#length === 0 ? [] : [this.#complete('')];
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  /** Ends the line and remembers it. */
  #complete(last: string): string {
    const line = [...this.#pieces, last].join('').replace(/\r$/, '');
    this.#pieces = [];
    this.#length = 0;
    this.#remember(line);
    return line;
  }

  #remember(line: string): void {
    // A tool that prints one endless line must not fill the memory or the history.
    this.#lines.push(line.length > 400 ? `${line.slice(0, 400)}…` : line);
    if (this.#lines.length > this.#keep) this.#lines.shift();
  }
}

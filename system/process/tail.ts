/** Splits a stream of chunks into lines and remembers the last few for a failure's message. */
export class LineTail {
  readonly #keep: number;
  readonly #lines: string[] = [];
  #partial = '';

  constructor(keep = 20) {
    this.#keep = keep;
  }

  /** Returns the lines this chunk completed. */
  push(chunk: string): string[] {
    const parts = (this.#partial + chunk).split(/\r?\n/);
    this.#partial = parts.pop() ?? '';
    for (const line of parts) this.#remember(line);
    return parts;
  }

  /** Ends the stream; returns the last line if it had no newline. */
  end(): string[] {
    const rest = this.#partial === '' ? [] : [this.#partial];
    this.#partial = '';
    for (const line of rest) this.#remember(line);
    return rest;
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  #remember(line: string): void {
    // A tool that prints one endless line must not fill the memory or the history.
    this.#lines.push(line.length > 400 ? `${line.slice(0, 400)}…` : line);
    if (this.#lines.length > this.#keep) this.#lines.shift();
  }
}

/** Begins with a character that no log has (U+0001). */
const start = '\u0001answered ';

/**
 * A child's log and its answers come through two pipes that know nothing of each other's order. Before it answers with
 * a failure the child ends its log with this line, so that the failure carries the log that explains it.
 */
export function logMarkOf(id: number): string {
  return `${start}${id}`;
}

/** Waits for marks in a log that is read line by line. Ids grow, because requests are answered in order. */
export class LogMarks {
  #last = 0;
  #waiting: { readonly id: number; readonly resolve: () => void }[] = [];

  /** True when the line is a mark, which is no line of the log. */
  take(line: string): boolean {
    if (!line.startsWith(start)) return false;
    this.#reach(Number(line.slice(start.length)));
    return true;
  }

  async wait(id: number): Promise<void> {
    if (this.#last >= id) return;
    await new Promise<void>((resolve) => this.#waiting.push({ id, resolve }));
  }

  /** The log has ended: no mark comes any more. */
  end(): void {
    this.#reach(Number.POSITIVE_INFINITY);
  }

  #reach(last: number): void {
    this.#last = last;
    for (const { id, resolve } of this.#waiting) if (id <= last) resolve();
    this.#waiting = this.#waiting.filter(({ id }) => id > last);
  }
}

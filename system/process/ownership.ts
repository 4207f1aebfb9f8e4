/** What has been started so far, ended in reverse order unless ownership moves on. (AsyncDisposableStack is not in Node 20.) */
export class Ownership implements AsyncDisposable {
  #ends: (() => Promise<unknown>)[] = [];

  defer(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  move(): AsyncDisposable {
    const moved = new Ownership();
    moved.#ends = this.#ends;
    this.#ends = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

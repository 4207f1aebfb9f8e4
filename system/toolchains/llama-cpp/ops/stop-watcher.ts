/** Notices a stop string as the bytes of a text arrive, also when it is spread over several tokens. */
export class StopWatcher {
  readonly #stops: readonly string[];
  /** What a stop string could still begin in: one byte less than the longest. */
  readonly #keepBytes: number;
  #tail: Uint8Array = new Uint8Array(0);

  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#keepBytes = Math.max(0, ...stops.map((stop) => Buffer.byteLength(stop) - 1));
  }

  /** True once a stop string is complete. */
  sees(piece: Uint8Array): boolean {
    if (this.#stops.length === 0) return false;
    const bytes = Buffer.concat([this.#tail, piece]);
    this.#tail = bytes.subarray(Math.max(0, bytes.length - this.#keepBytes));
    return this.#stops.some((stop) => bytes.includes(stop));
  }

  /** The text up to its first stop string. */
  cut(text: string): string {
    const places = this.#stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    return text.slice(0, Math.min(text.length, ...places));
  }
}

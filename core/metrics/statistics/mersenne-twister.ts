/**
 * MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), seeded and drawn from like NumPy's legacy RandomState,
 * so that a published figure which depends on `np.random.seed` can be had again.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(624);
  #next = 624;

  /** @param seed unsigned 32-bit integer. */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const last = this.#state[i - 1] ?? 0;
      this.#state[i] = Math.imul(1_812_433_253, last ^ (last >>> 30)) + i;
    }
  }

  /** Uniform in 0 … 2³² − 1. */
  nextUint32(): number {
    if (this.#next === 624) this.#refill();
    let word = this.#state[this.#next++] ?? 0;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** Uniform in 0 … count − 1 by masked rejection; draws nothing when there is only one choice. */
  below(count: number): number {
    const highest = count - 1;
    if (highest <= 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(highest);
    for (;;) {
      const value = (this.nextUint32() & mask) >>> 0;
      if (value <= highest) return value;
    }
  }

  #refill(): void {
    const state = this.#state;
    for (let k = 0; k < 624; k++) {
      const joined = ((state[k] ?? 0) & 0x80000000) | ((state[(k + 1) % 624] ?? 0) & 0x7fffffff);
      state[k] = (state[(k + 397) % 624] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

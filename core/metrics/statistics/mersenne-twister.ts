const size = 624;

/**
 * MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), seeded and drawn from like NumPy's legacy RandomState,
 * so that a published figure which depends on `numpy.random.seed` can be had again.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(size);
  /** The numbers of the present state, computed at once: an interval draws millions of them. */
  readonly #numbers = new Uint32Array(size);
  #next = size;

  /** @param seed unsigned 32-bit integer. */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < size; i++) {
      const last = this.#state[i - 1] ?? 0;
      this.#state[i] = Math.imul(1_812_433_253, last ^ (last >>> 30)) + i;
    }
  }

  /** Uniform in 0 … 2³² − 1. */
  nextUint32(): number {
    if (this.#next === size) {
      advance(this.#state);
      temper(this.#state, this.#numbers);
      this.#next = 0;
    }
    return this.#numbers[this.#next++] ?? 0;
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
}

function advance(state: Uint32Array): void {
  for (let k = 0; k < size; k++) {
    const joined = ((state[k] ?? 0) & 0x80000000) | ((state[(k + 1) % size] ?? 0) & 0x7fffffff);
    state[k] = (state[(k + 397) % size] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
  }
}

function temper(state: Uint32Array, numbers: Uint32Array): void {
  for (let k = 0; k < size; k++) {
    let word = state[k] ?? 0;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    numbers[k] = word ^ (word >>> 18);
  }
}

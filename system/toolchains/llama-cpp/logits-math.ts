/**
 * Arithmetic over rows of logits, in float64. A row is `size` float32 values from `offset`; nothing is copied. These
 * loops run once per token over the whole vocabulary and set the speed of every score.
 */

/** Index of the largest value; of equal ones the first. */
export function argmax(logits: Float32Array, offset: number, size: number): number {
  let best = 0;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < size; index++) {
    const value = logits[offset + index] as number;
    if (value > bestValue) {
      bestValue = value;
      best = index;
    }
  }
  return best;
}

/** ln Σ exp(x), with the maximum taken out so that nothing overflows. */
export function logSumExp(logits: Float32Array, offset: number, size: number): number {
  const top = logits[offset + argmax(logits, offset, size)] as number;
  let sum = 0;
  for (let index = offset; index < offset + size; index++) sum += Math.exp((logits[index] as number) - top);
  return top + Math.log(sum);
}

export interface LogitsPair {
  readonly baseline: Float32Array;
  readonly candidate: Float32Array;
}

export interface TokenDivergence {
  /** KL(baseline ‖ candidate) = Σ p (ln p − ln q), nats; not below 0. */
  readonly kld: number;
  readonly sameTop: boolean;
  /** −ln of the probability of the correct token. */
  readonly baselineNll: number;
  readonly candidateNll: number;
}

/**
 * Compares two next-token distributions at one position. One pass: with a, b the logits and Z their sums of exp,
 * KL = Σ eᵃ(a − b) / Zₐ − ln Zₐ + ln Z_b. Unlike llama.cpp's perplexity tool no small p is left out.
 */
export function divergeAt(
  pair: LogitsPair,
  row: { offset: number; size: number },
  target: number,
): TokenDivergence {
  const { baseline, candidate } = pair;
  const { offset, size } = row;
  const topA = argmax(baseline, offset, size);
  const topB = argmax(candidate, offset, size);
  const maxA = baseline[offset + topA] as number;
  const maxB = candidate[offset + topB] as number;
  let sumA = 0;
  let sumB = 0;
  let weighted = 0;
  for (let index = offset; index < offset + size; index++) {
    const a = (baseline[index] as number) - maxA;
    const b = (candidate[index] as number) - maxB;
    const weight = Math.exp(a);
    sumA += weight;
    sumB += Math.exp(b);
    weighted += weight * (a - b);
  }
  const logA = Math.log(sumA);
  const logB = Math.log(sumB);
  return {
    // Rounding can leave −1e-16 where both sides agree.
    kld: Math.max(0, weighted / sumA - logA + logB),
    sameTop: topA === topB,
    baselineNll: logA + maxA - (baseline[offset + target] as number),
    candidateNll: logB + maxB - (candidate[offset + target] as number),
  };
}

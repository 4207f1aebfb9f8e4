/** The factors of one module as row-major doubles: A [rank, in], B [out, rank]. */
export interface Factors {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly rank: number;
}

/** Inner product of two deltas, and of each with itself. */
export interface Overlap {
  readonly between: number;
  readonly first: number;
  readonly second: number;
}

/**
 * Deltas of one training run point the same way, those of different runs hardly share a direction: in the many dimensions
 * of a weight matrix two independent ones are nearly orthogonal.
 */
export const sameRunCosine = 0.5;

/**
 * ⟨B₁A₁, B₂A₂⟩ = Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ), which needs no delta: r² (in + out) multiplications instead of r · in · out.
 */
export function overlapOf(first: Factors, second: Factors): Overlap {
  return {
    between: innerProduct(first, second),
    first: innerProduct(first, first),
    second: innerProduct(second, second),
  };
}

/** Cosine of the angle between two adapters' deltas over all modules; 0 when either is zero. */
export function cosineOf(overlaps: readonly Overlap[]): number {
  const sum = (part: keyof Overlap): number => overlaps.reduce((total, overlap) => total + overlap[part], 0);
  const length = Math.sqrt(sum('first') * sum('second'));
  return length > 0 ? sum('between') / length : 0;
}

function innerProduct(first: Factors, second: Factors): number {
  const columns = first.a.length / first.rank;
  const rows = first.b.length / first.rank;
  let total = 0;
  for (let k = 0; k < first.rank; k += 1) {
    for (let l = 0; l < second.rank; l += 1) {
      let across = 0;
      for (let i = 0; i < columns; i += 1)
        across += (first.a[k * columns + i] ?? 0) * (second.a[l * columns + i] ?? 0);
      let down = 0;
      for (let o = 0; o < rows; o += 1)
        down += (first.b[o * first.rank + k] ?? 0) * (second.b[o * second.rank + l] ?? 0);
      total += across * down;
    }
  }
  return total;
}

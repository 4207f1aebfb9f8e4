export interface RougeScore {
  readonly precision: number;
  readonly recall: number;
  readonly f: number;
}

/** How often each n-gram occurs. */
export function countNgrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    // Tokens hold no space, so the joined text names the n-gram.
    const ngram = tokens.slice(i, i + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** n-grams both have, each counted as often as the one that has it less often. */
export function countOverlap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let overlap = 0;
  for (const [ngram, count] of a) overlap += Math.min(count, b.get(ngram) ?? 0);
  return overlap;
}

/** Precision, recall and their harmonic mean; 0 where there is nothing to divide by. */
export function scoreHits(hits: number, sizes: { prediction: number; reference: number }): RougeScore {
  const precision = hits / Math.max(sizes.prediction, 1);
  const recall = hits / Math.max(sizes.reference, 1);
  return {
    precision,
    recall,
    f: precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0,
  };
}

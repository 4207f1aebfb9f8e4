/**
 * One way in which tools around LLM engines call ROUGE. Two dialects give different figures for the same texts, so
 * every figure carries the id of its dialect and figures of two dialects are never compared.
 */
export interface RougeDialect {
  readonly id: string;
  readonly title: string;
  /** Where the procedure is written down. */
  readonly source: string;
  readonly stemmer: boolean;
  /** How ROUGE-Lsum gets its lines: the text's own, or one sentence each. */
  readonly lines: 'as-written' | 'sentences';
  readonly aggregate: 'bootstrap-median' | 'mean';
  /** Seed of NumPy's legacy generator before the bootstrap. */
  readonly seed: number | null;
  /** What the tool multiplies its figure by; ours are always percent. */
  readonly scale: 1 | 100;
  /** Decimals the tool rounds its figure to, on its own scale. */
  readonly decimals: number | null;
  /** What a reader must know before comparing with a figure of the tool itself. */
  readonly caveat: string | null;
}

import type { RougeDialect } from './dialect.ts';

export const mlperf = {
  id: 'mlperf',
  title: 'MLPerf inference, summarisation',
  source: 'mlcommons/inference, language/llama3.1-8b/evaluation.py',
  stemmer: true,
  lines: 'sentences',
  aggregate: 'mean',
  seed: null,
  scale: 100,
  decimals: 4,
  caveat:
    "ROUGE-Lsum depends on sentence ends, which MLPerf takes from NLTK's trained Punkt model and this from rules.",
} as const satisfies RougeDialect;

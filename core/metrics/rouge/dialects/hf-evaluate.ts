import type { RougeDialect } from './dialect.ts';

export const hfEvaluate = {
  id: 'hf-evaluate',
  title: 'Hugging Face evaluate, metric rouge',
  source: 'huggingface/evaluate, metrics/rouge/rouge.py',
  stemmer: false,
  lines: 'as-written',
  aggregate: 'bootstrap-median',
  seed: 0,
  scale: 1,
  decimals: null,
  caveat: 'evaluate draws a new seed in each process unless one is given; this is its figure for seed 0.',
} as const satisfies RougeDialect;

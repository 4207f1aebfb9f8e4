import type { RougeDialect } from './dialect.ts';

export const trtllmSummarize = {
  id: 'trtllm-summarize',
  title: "TensorRT-LLM's summarize.py",
  source: 'NVIDIA/TensorRT-LLM, examples/summarize.py, 0.8 to 1.2',
  stemmer: false,
  lines: 'as-written',
  aggregate: 'bootstrap-median',
  seed: 0,
  scale: 100,
  decimals: null,
  caveat: null,
} as const satisfies RougeDialect;

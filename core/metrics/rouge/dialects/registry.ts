import { hfEvaluate } from './hf-evaluate.ts';
import { mlperf } from './mlperf.ts';
import { trtllmSummarize } from './trtllm-summarize.ts';

export const rougeDialects = [trtllmSummarize, hfEvaluate, mlperf] as const;

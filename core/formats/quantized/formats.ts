import { awqGemm } from './awq.ts';
import { compressedTensors } from './compressed-tensors.ts';
import type { QuantizedFormat } from './format.ts';
import { gptqFormat } from './gptq.ts';
import type { QuantizedLayout } from './scheme.ts';

/** One entry a layout; the compiler asks for a new one. */
export const quantizedFormats: { readonly [L in QuantizedLayout]: QuantizedFormat } = {
  'compressed-tensors': compressedTensors,
  gptq: gptqFormat('gptq'),
  gptq_v2: gptqFormat('gptq_v2'),
  awq: awqGemm,
};

import { defineFamily } from './contract.ts';
import { decoderTensors } from './decoder-tensors.ts';
import { llamaKeys, llamaParts } from './llama.ts';

/**
 * llama.cpp runs Mistral as `llama`, with full attention: the sliding window of the first releases only matters beyond
 * 4,096 tokens.
 */
export const mistral = defineFamily({
  id: 'mistral',
  title: 'Mistral 7B and Mistral NeMo',
  architectures: ['MistralForCausalLM'],
  tensors: (shape) => decoderTensors(shape, llamaParts),
  gguf: {
    architecture: 'llama',
    ropeScalings: ['default', 'linear', 'yarn', 'llama3'],
    extraKeys: llamaKeys,
  },
});

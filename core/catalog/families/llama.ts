import { defineFamily } from './contract.ts';
import {
  decoderTensors,
  type DecoderParts,
  headSizeKeys,
  interleaved,
  layerParts as part,
} from './decoder-tensors.ts';
import type { ModelShape } from './model-shape.ts';

/** Mistral has the same parts under the same names. */
export const llamaParts: DecoderParts = {
  required: [
    part.inputNorm,
    interleaved(part.query),
    interleaved(part.key),
    part.value,
    part.attentionOutput,
    part.outputNorm,
    part.gate,
    part.up,
    part.down,
  ],
  // `attention_bias` and `mlp_bias` of config.json.
  optional: [
    interleaved(part.queryBias),
    interleaved(part.keyBias),
    part.valueBias,
    part.attentionOutputBias,
    part.gateBias,
    part.upBias,
    part.downBias,
  ],
};

export const llamaKeys = (shape: ModelShape) => ({
  ...headSizeKeys(shape),
  vocab_size: shape.vocabulary,
  'rope.dimension_count': shape.headSize,
});

export const llama = defineFamily({
  id: 'llama',
  title: 'Llama 1 to 3 and models of their structure',
  architectures: ['LlamaForCausalLM'],
  tensors: (shape) => decoderTensors(shape, llamaParts),
  gguf: {
    architecture: 'llama',
    ropeScalings: ['default', 'linear', 'yarn', 'llama3'],
    extraKeys: llamaKeys,
  },
});

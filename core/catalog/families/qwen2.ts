import { defineFamily } from './contract.ts';
import { decoderTensors, headSizeKeys, layerParts as part } from './decoder-tensors.ts';

export const qwen2 = defineFamily({
  id: 'qwen2',
  title: 'Qwen 1.5, 2 and 2.5, dense',
  architectures: ['Qwen2ForCausalLM'],
  tensors: (shape) =>
    decoderTensors(shape, {
      required: [
        part.inputNorm,
        part.query,
        part.queryBias,
        part.key,
        part.keyBias,
        part.value,
        part.valueBias,
        part.attentionOutput,
        part.outputNorm,
        part.gate,
        part.up,
        part.down,
      ],
    }),
  gguf: {
    architecture: 'qwen2',
    ropeScalings: ['default', 'linear', 'yarn'],
    extraKeys: (shape) => (shape.headSizeNamed ? headSizeKeys(shape) : {}),
  },
});

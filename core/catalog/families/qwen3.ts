import { defineFamily } from './contract.ts';
import { decoderTensors, headSizeKeys, layerParts as part } from './decoder-tensors.ts';

export const qwen3 = defineFamily({
  id: 'qwen3',
  title: 'Qwen 3, dense',
  architectures: ['Qwen3ForCausalLM'],
  tensors: (shape) =>
    decoderTensors(shape, {
      required: [
        part.inputNorm,
        part.query,
        part.queryNorm,
        part.key,
        part.keyNorm,
        part.value,
        part.attentionOutput,
        part.outputNorm,
        part.gate,
        part.up,
        part.down,
      ],
    }),
  gguf: { architecture: 'qwen3', ropeScalings: ['default', 'linear', 'yarn'], extraKeys: headSizeKeys },
});

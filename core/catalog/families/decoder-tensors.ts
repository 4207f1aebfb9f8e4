import type { FamilyTensor } from './contract.ts';
import type { ModelShape } from './model-shape.ts';

/** The parts of a decoder layer that families share; each family lists the parts it has. */
type LayerTensor = (shape: ModelShape) => Omit<FamilyTensor, 'optional'>;

function layerTensor(
  name: string,
  gguf: FamilyTensor['gguf'],
  size: (shape: ModelShape) => readonly number[],
): LayerTensor {
  return (shape) => ({ name, gguf, shape: size(shape) });
}

const queryRows = (shape: ModelShape) => shape.heads * shape.headSize;
const keyRows = (shape: ModelShape) => shape.keyValueHeads * shape.headSize;

/** Names and sizes of the parts, without `model.layers.N.` and `blk.N.`. */
export const layerParts = {
  inputNorm: layerTensor('input_layernorm.weight', { name: 'attn_norm.weight' }, (s) => [s.hidden]),
  query: layerTensor('self_attn.q_proj.weight', { name: 'attn_q.weight' }, (s) => [queryRows(s), s.hidden]),
  queryBias: layerTensor('self_attn.q_proj.bias', { name: 'attn_q.bias' }, (s) => [queryRows(s)]),
  queryNorm: layerTensor('self_attn.q_norm.weight', { name: 'attn_q_norm.weight' }, (s) => [s.headSize]),
  key: layerTensor('self_attn.k_proj.weight', { name: 'attn_k.weight' }, (s) => [keyRows(s), s.hidden]),
  keyBias: layerTensor('self_attn.k_proj.bias', { name: 'attn_k.bias' }, (s) => [keyRows(s)]),
  keyNorm: layerTensor('self_attn.k_norm.weight', { name: 'attn_k_norm.weight' }, (s) => [s.headSize]),
  value: layerTensor('self_attn.v_proj.weight', { name: 'attn_v.weight' }, (s) => [keyRows(s), s.hidden]),
  valueBias: layerTensor('self_attn.v_proj.bias', { name: 'attn_v.bias' }, (s) => [keyRows(s)]),
  attentionOutput: layerTensor('self_attn.o_proj.weight', { name: 'attn_output.weight' }, (s) => [
    s.hidden,
    queryRows(s),
  ]),
  attentionOutputBias: layerTensor('self_attn.o_proj.bias', { name: 'attn_output.bias' }, (s) => [s.hidden]),
  outputNorm: layerTensor('post_attention_layernorm.weight', { name: 'ffn_norm.weight' }, (s) => [s.hidden]),
  gate: layerTensor('mlp.gate_proj.weight', { name: 'ffn_gate.weight' }, (s) => [s.intermediate, s.hidden]),
  gateBias: layerTensor('mlp.gate_proj.bias', { name: 'ffn_gate.bias' }, (s) => [s.intermediate]),
  up: layerTensor('mlp.up_proj.weight', { name: 'ffn_up.weight' }, (s) => [s.intermediate, s.hidden]),
  upBias: layerTensor('mlp.up_proj.bias', { name: 'ffn_up.bias' }, (s) => [s.intermediate]),
  down: layerTensor('mlp.down_proj.weight', { name: 'ffn_down.weight' }, (s) => [s.hidden, s.intermediate]),
  downBias: layerTensor('mlp.down_proj.bias', { name: 'ffn_down.bias' }, (s) => [s.hidden]),
} as const;

export function interleaved(part: LayerTensor): LayerTensor {
  return (shape) => {
    const tensor = part(shape);
    return { ...tensor, gguf: { ...tensor.gguf, interleaved: true } };
  };
}

export interface DecoderParts {
  readonly required: readonly LayerTensor[];
  readonly optional?: readonly LayerTensor[];
}

/** Embedding, the parts of every layer, final norm and, unless it is tied to the embedding, the output matrix. */
export function decoderTensors(shape: ModelShape, parts: DecoderParts): FamilyTensor[] {
  const table = [shape.vocabulary, shape.hidden];
  const tensors: FamilyTensor[] = [
    { name: 'model.embed_tokens.weight', shape: table, gguf: { name: 'token_embd.weight' } },
  ];
  for (let layer = 0; layer < shape.layers; layer += 1) {
    for (const part of parts.required) tensors.push(inLayer(part(shape), layer));
    for (const part of parts.optional ?? []) tensors.push({ ...inLayer(part(shape), layer), optional: true });
  }
  tensors.push({ name: 'model.norm.weight', shape: [shape.hidden], gguf: { name: 'output_norm.weight' } });
  if (!shape.tied) tensors.push({ name: 'lm_head.weight', shape: table, gguf: { name: 'output.weight' } });
  return tensors;
}

/** For architectures that do not take every head as hidden / heads wide. */
export function headSizeKeys({ headSize }: ModelShape) {
  return { 'attention.key_length': headSize, 'attention.value_length': headSize };
}

function inLayer(tensor: ReturnType<LayerTensor>, layer: number): FamilyTensor {
  return {
    ...tensor,
    name: `model.layers.${layer}.${tensor.name}`,
    gguf: { ...tensor.gguf, name: `blk.${layer}.${tensor.gguf.name}` },
  };
}

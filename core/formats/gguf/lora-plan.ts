import type { FamilyTensor } from '../../catalog/families/contract.ts';
import { readModelShape } from '../../catalog/families/model-shape.ts';
import { familyOf } from '../../catalog/families/registry.ts';
import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';
import { scaleOf } from '../peft/adapter-config.ts';
import { type Adapter, type LoraPair, sortAdapterTensors } from '../peft/adapter-tensors.ts';
import { type GgufTensorSpec, layOutGguf } from './layout.ts';
import { checkSource, type FloatTensor } from './match-tensors.ts';
import { f32, type GgufEntry, text } from './metadata.ts';
import { generalMetadata } from './model-metadata.ts';
import { type GgufPlan, interleaving, type TensorContent } from './model-plan.ts';

export interface LoraGgufRequest {
  /** Its weight multiplies its effect. */
  readonly adapter: Adapter;
  /** config.json of the base model, parsed. */
  readonly baseConfig: Json;
}

/**
 * Plans a run-time LoRA adapter for llama.cpp: `<tensor>.lora_a` and `.lora_b` in single precision, B with its rows in
 * ggml's order where the base tensor's are (ggml-org/llama.cpp convert_lora_to_gguf.py). Throws AdapterUnsupported for
 * anything but plain LoRA on linear layers, AdapterMismatch when it does not fit the base.
 */
export function planLoraGguf({ adapter, baseConfig }: LoraGgufRequest): GgufPlan {
  const shape = readModelShape(baseConfig);
  const family = familyOf(shape.architecture);
  const { architecture } = family.gguf;
  const pairs = pairsByTensor(adapter);
  const metadata: GgufEntry[] = [
    ...generalMetadata({ architecture, kind: 'adapter', name: adapter.label, fileType: 'F32' }),
    ['adapter.type', text('lora')],
    ['adapter.lora.alpha', f32(alphaOf(adapter, [...pairs.values()]))],
  ];
  const specs: GgufTensorSpec[] = [];
  const contents: TensorContent[] = [];
  for (const declared of family.tensors(shape)) {
    const pair = pairs.get(declared.name);
    if (pair === undefined) continue;
    pairs.delete(declared.name);
    const { a, b } = checkPair(declared, pair, adapter);
    specs.push({ name: `${declared.gguf.name}.lora_a`, type: 'F32', shape: a.shape });
    contents.push({ kind: 'file', source: a });
    specs.push({ name: `${declared.gguf.name}.lora_b`, type: 'F32', shape: b.shape });
    contents.push({ kind: 'file', source: b, ...interleaving(declared, shape) });
  }
  const [left] = pairs.keys();
  if (left !== undefined) throw mismatch(adapter, `changes ${left}, which the base model has not`);
  return { architecture, metadata, layout: layOutGguf(metadata, specs), contents };
}

function pairsByTensor(adapter: Adapter): Map<string, LoraPair> {
  const { modulesToSave, fanInFanOut } = adapter.config;
  if (modulesToSave.length > 0)
    throw unsupported(adapter, `replaces whole modules (${modulesToSave.join(', ')})`);
  if (fanInFanOut) throw unsupported(adapter, 'stores its weights transposed');
  const { pairs, replacements, baseLayers, rows } = sortAdapterTensors(adapter);
  const [replaced] = [...replacements.keys(), ...baseLayers.keys()];
  if (replaced !== undefined) throw unsupported(adapter, `replaces the tensor ${replaced}`);
  const [trained] = rows;
  if (trained !== undefined) throw unsupported(adapter, `replaces rows of ${trained.module}`);
  for (const { module, of, bias, magnitude } of pairs) {
    if (of === 'embedding') throw unsupported(adapter, `adapts the embedding ${module}`);
    if (magnitude !== undefined) throw unsupported(adapter, `rescales ${module} by DoRA`);
    if (bias !== undefined) throw unsupported(adapter, `adds a bias to ${module}`);
  }
  return new Map(pairs.map((pair) => [`${pair.module}.weight`, pair]));
}

/** llama.cpp scales every pair by alpha / rank with one alpha, so all pairs have to agree on it. */
function alphaOf(adapter: Adapter, pairs: readonly LoraPair[]): number {
  const alphas = pairs.map(({ module }) => {
    const { rank, scale } = scaleOf(adapter.config, module);
    return scale * rank;
  });
  const [alpha = 0] = alphas;
  // alpha / √r · r is not always the same number again for another r, but then it differs by far more than this.
  if (alphas.some((other) => Math.abs(other - alpha) > Math.abs(alpha) * 1e-9))
    throw unsupported(adapter, 'scales its layers differently');
  return alpha * adapter.weight;
}

function checkPair(
  declared: FamilyTensor,
  { module, a, b }: LoraPair,
  adapter: Adapter,
): { a: FloatTensor; b: FloatTensor } {
  const [rows = 0, columns = 0] = declared.shape;
  const [rank = 0] = a.shape;
  const fits =
    declared.shape.length === 2 && a.shape[1] === columns && b.shape[0] === rows && b.shape[1] === rank;
  if (!fits || rank !== scaleOf(adapter.config, module).rank) {
    const shapes = `B [${b.shape.join(', ')}] and A [${a.shape.join(', ')}]`;
    throw mismatch(adapter, `has ${shapes} for ${declared.name} of [${declared.shape.join(', ')}]`);
  }
  return { a: checkSource([rank, columns], a), b: checkSource([rows, rank], b) };
}

function unsupported(adapter: Adapter, problem: string): BuildFailure {
  return new BuildFailure(
    'AdapterUnsupported',
    `${adapter.label} ${problem}, which llama.cpp cannot do at run time`,
    {
      hint: 'Merge the adapter into the model instead.',
      details: { adapter: adapter.label },
    },
  );
}

function mismatch(adapter: Adapter, problem: string): BuildFailure {
  return new BuildFailure('AdapterMismatch', `${adapter.label} ${problem}`, {
    details: { adapter: adapter.label },
  });
}

import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layOutSafetensors } from '../../core/formats/safetensors/write-header.ts';

const width = 512;
const rank = 8;

/** What `quantize` asks of a model's config. */
const modelConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: width,
  intermediate_size: width,
  num_attention_heads: 8,
  vocab_size: 32,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
};

interface Planned {
  readonly name: string;
  readonly shape: readonly number[];
}

/** BF16 numbers in ±0.25 from a small generator (numerical recipes' LCG), the same on every host. */
function* noise(seed: number): Generator<number, never> {
  let state = seed >>> 0;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Exponents from 2^-10 to 2^-3 keep every product small and finite.
    yield ((state & 0x8000) | ((0x75 + ((state >>> 20) & 7)) << 7) | ((state >>> 24) & 0x7f)) & 0xffff;
  }
}

const itemsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

async function writeShard(path: string, tensors: readonly Planned[], seed: number): Promise<void> {
  const specs = tensors.map(({ name, shape }) => ({ name, shape, dtype: 'BF16' as const }));
  const layout = layOutSafetensors(specs, new Map([['format', 'pt']]));
  const numbers = noise(seed);
  await using file = await open(path, 'w');
  await file.write(layout.header);
  for (const { shape } of layout.tensors) {
    await file.write(Uint16Array.from({ length: itemsOf(shape) }, () => numbers.next().value));
  }
}

const linears = [
  ...['q', 'k', 'v', 'o'].map((letter) => `self_attn.${letter}_proj`),
  ...['gate', 'up', 'down'].map((word) => `mlp.${word}_proj`),
];
const square = (name: string): Planned => ({ name: `${name}.weight`, shape: [width, width] });
const norm = (name: string): Planned => ({ name: `${name}.weight`, shape: [width] });
const tokens = (name: string): Planned => ({
  name: `${name}.weight`,
  shape: [modelConfig.vocab_size, width],
});

function layer(index: number): Planned[] {
  const prefix = `model.layers.${index}`;
  const norms = ['input_layernorm', 'post_attention_layernorm'];
  return [
    ...linears.map((name) => square(`${prefix}.${name}`)),
    ...norms.map((name) => norm(`${prefix}.${name}`)),
  ];
}

/** Folders of a model and of an adapter, and one of the model's files. */
export interface ChaosModel {
  readonly base: string;
  readonly adapter: string;
  readonly file: string;
  readonly bytes: number;
}

/** A Llama in two shards whose layers have seven linears of 512 × 512, and an adapter on all of them. */
export async function writeChaosModel(folder: string, layers: number): Promise<ChaosModel> {
  const base = join(folder, 'base');
  const adapter = join(folder, 'adapter');
  await Promise.all([base, adapter].map((path) => mkdir(path, { recursive: true })));
  const indexes = Array.from({ length: layers }, (_, index) => index);
  const ends = [tokens('model.embed_tokens'), norm('model.norm'), tokens('lm_head')];
  const half = Math.ceil(layers / 2);
  const shards = [indexes.slice(0, half).flatMap(layer), [...indexes.slice(half).flatMap(layer), ...ends]];
  const names = shards.map((_, at) => `model-0000${at + 1}-of-00002.safetensors`);
  const weightMap: { [tensor: string]: string } = {};
  for (const [at, shard] of shards.entries()) {
    await writeShard(join(base, names[at] ?? ''), shard, at + 1);
    for (const { name } of shard) weightMap[name] = names[at] ?? '';
  }
  const bytes = shards.flat().reduce((sum, { shape }) => sum + 2 * itemsOf(shape), 0);
  const index = { metadata: { total_size: bytes }, weight_map: weightMap };
  await writeFile(join(base, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(base, 'config.json'), JSON.stringify({ ...modelConfig, num_hidden_layers: layers }));
  await writeAdapter(adapter, indexes);
  return { base, adapter, file: join(base, names[0] ?? ''), bytes };
}

async function writeAdapter(adapter: string, layers: readonly number[]): Promise<void> {
  const modules = layers.flatMap((index) => linears.map((name) => `model.layers.${index}.${name}`));
  const pairs = modules.flatMap((module): Planned[] => [
    { name: `base_model.model.${module}.lora_A.weight`, shape: [rank, width] },
    { name: `base_model.model.${module}.lora_B.weight`, shape: [width, rank] },
  ]);
  await writeShard(join(adapter, 'adapter_model.safetensors'), pairs, 3);
  const targets = linears.map((name) => name.split('.')[1]);
  const config = { peft_type: 'LORA', r: rank, lora_alpha: rank, target_modules: targets };
  await writeFile(join(adapter, 'adapter_config.json'), JSON.stringify(config));
}

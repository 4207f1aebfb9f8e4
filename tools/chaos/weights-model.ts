import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layOutSafetensors } from '../../core/formats/safetensors/write-header.ts';

const width = 512;
const rank = 8;

interface Planned {
  readonly name: string;
  readonly shape: readonly [number, number];
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

async function writeShard(path: string, tensors: readonly Planned[], seed: number): Promise<void> {
  const specs = tensors.map(({ name, shape }) => ({ name, shape, dtype: 'BF16' as const }));
  const layout = layOutSafetensors(specs, new Map([['format', 'pt']]));
  const numbers = noise(seed);
  await using file = await open(path, 'w');
  await file.write(layout.header);
  for (const { shape } of layout.tensors) {
    const items = shape.reduce((product, size) => product * size, 1);
    await file.write(Uint16Array.from({ length: items }, () => numbers.next().value));
  }
}

const linear = (index: number) => `model.layers.${index}.self_attn.q_proj`;

/** A model of linears of 512 × 512 in two shards, and an adapter on all of them. */
export async function writeChaosModel(
  folder: string,
  linears: number,
): Promise<{ base: string; adapter: string }> {
  const base = join(folder, 'base');
  const adapter = join(folder, 'adapter');
  await Promise.all([base, adapter].map((path) => mkdir(path, { recursive: true })));
  const indexes = Array.from({ length: linears }, (_, index) => index);
  const half = Math.ceil(linears / 2);
  const shards = [indexes.slice(0, half), indexes.slice(half)];
  const names = shards.map((_, at) => `model-0000${at + 1}-of-00002.safetensors`);
  const weightMap: { [tensor: string]: string } = {};
  for (const [at, shard] of shards.entries()) {
    const tensors = shard.map((index): Planned => ({
      name: `${linear(index)}.weight`,
      shape: [width, width],
    }));
    await writeShard(join(base, names[at] ?? ''), tensors, at + 1);
    for (const { name } of tensors) weightMap[name] = names[at] ?? '';
  }
  const totalSize = linears * width * width * 2;
  const index = { metadata: { total_size: totalSize }, weight_map: weightMap };
  await writeFile(join(base, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(base, 'config.json'), JSON.stringify({ model_type: 'llama', vocab_size: 32 }));
  const pairs = indexes.flatMap((index): Planned[] => [
    { name: `base_model.model.${linear(index)}.lora_A.weight`, shape: [rank, width] },
    { name: `base_model.model.${linear(index)}.lora_B.weight`, shape: [width, rank] },
  ]);
  await writeShard(join(adapter, 'adapter_model.safetensors'), pairs, 3);
  const config = { peft_type: 'LORA', r: rank, lora_alpha: rank, target_modules: ['q_proj'] };
  await writeFile(join(adapter, 'adapter_config.json'), JSON.stringify(config));
  return { base, adapter };
}

import { cp, mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { inspectWeights } from '../../system/weights/inspect-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const model = join(sample, 'sample-llama');
const torchFixtures = join(import.meta.dirname, '../fixtures/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-convert-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe('converting a model there and back', () => {
  it('keeps every tensor, the shards and the files beside them, and leaves the other format out', async () => {
    const [bin, back] = [join(work, 'bin'), join(work, 'back')];

    const there = await convertWeights({ from: model, to: bin, format: 'bin' }, scope);
    await convertWeights({ from: bin, to: back, format: 'safetensors' }, scope);

    expect(there.tensors).toBe(57);
    expect(await readdir(bin)).toEqual([
      'NOTICE.md',
      'README.md',
      'config.json',
      'generation_config.json',
      'pytorch_model-00001-of-00002.bin',
      'pytorch_model-00002-of-00002.bin',
      'pytorch_model.bin.index.json',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect((await readdir(back)).filter((name) => name.endsWith('.bin'))).toEqual([]);
    expect(await compareWeights(model, bin, scope)).toMatchObject({
      equal: true,
      differences: [],
      tensors: 57,
    });
    expect(await compareWeights(model, back, scope)).toMatchObject({
      equal: true,
      differences: [],
      tensors: 57,
    });
    // The sample was written by the reference implementation: the same layout rules give the very same bytes.
    const shard = 'model-00002-of-00002.safetensors';
    expect((await openWeights(back)).tensors.map(({ name }) => name)).toEqual(
      (await openWeights(model)).tensors.map(({ name }) => name),
    );
    expect((await readFile(join(back, shard))).equals(await readFile(join(model, shard)))).toBe(true);
  });

  it('gives a legacy adapter the same bytes as safetensors, and as bin again', async () => {
    const adapter = join(sample, 'lora-glossary');
    const [safe, bin] = [join(work, 'glossary'), join(work, 'glossary-bin')];

    await convertWeights({ from: adapter, to: safe, format: 'safetensors' }, scope);
    await convertWeights({ from: safe, to: bin, format: 'bin' }, scope);

    expect(await readdir(safe)).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    expect((await compareWeights(adapter, safe, scope)).equal).toBe(true);
    expect((await compareWeights(adapter, bin, scope)).equal).toBe(true);
  });

  it.each(['zip.bin', 'legacy.bin'])('brings views and ties of %s through', async (name) => {
    const from = join(torchFixtures, name);
    const [safe, bin] = [join(work, `${name}.safetensors`), join(work, `${name}.again.bin`)];

    await convertWeights({ from, to: safe, format: 'safetensors' }, scope);
    await convertWeights({ from: safe, to: bin, format: 'bin' }, scope);

    expect(await compareWeights(from, safe, scope)).toMatchObject({ equal: true, tensors: 18 });
    expect((await compareWeights(from, bin, scope)).equal).toBe(true);
  });
});

describe('a single file', () => {
  it('replaces what has the name, and takes away only what a dead process left of it', async () => {
    const folder = join(work, 'single');
    const to = join(folder, 'w.bin');
    // No process has this number (proc(5): pid_max is at most 2²²).
    const [dead, living] = [2 ** 22 + 1, process.pid].map((pid) => `.w.bin.${hostname()}~${pid}~x.partial`);
    for (const draft of [dead, living]) await mkdir(join(folder, draft ?? ''), { recursive: true });
    await writeFile(join(folder, dead ?? '', 'w.bin.0123.part'), 'half');
    await writeFile(to, 'old');

    const report = await convertWeights({ from: join(torchFixtures, 'zip.bin'), to, format: 'bin' }, scope);

    expect(report.files.map(({ path }) => path)).toEqual(['w.bin']);
    expect(await readdir(folder)).toEqual([living, 'w.bin']);
    expect((await compareWeights(join(torchFixtures, 'zip.bin'), to, scope)).equal).toBe(true);
  });

  it('leaves nothing beside its name when it cannot be written', async () => {
    const folder = join(work, 'failing');
    const from = join(folder, 'turned.bin');
    await mkdir(folder);
    await cp(join(torchFixtures, 'zip.bin'), from);
    const { file, offset } = (await openWeights(from)).tensors[0] ?? { file: '', offset: 0 };
    await using handle = await open(file, 'r+');
    await handle.write(Uint8Array.of(0xa5), 0, 1, offset);

    const to = join(folder, 'w.safetensors');
    const failure = await failureOf(convertWeights({ from, to, format: 'safetensors' }, scope));

    expect(failure).toMatch(/^WeightsCorrupt: /);
    expect(await readdir(folder)).toEqual(['turned.bin']);
  });
});

describe('a base with tied embeddings', () => {
  it('stores them once in safetensors, shared in bin, and compares equal all the way', async () => {
    const [tied, safe, bin] = [join(work, 'tied'), join(work, 'tied-safe'), join(work, 'tied-bin')];
    await mkdir(tied);
    await cp(join(torchFixtures, 'tied.bin'), join(tied, 'pytorch_model.bin'));
    await writeFile(join(tied, 'config.json'), '{"tie_word_embeddings": true}');

    const report = await convertWeights({ from: tied, to: safe, format: 'safetensors' }, scope);
    await convertWeights({ from: safe, to: bin, format: 'bin' }, scope);

    expect(report.aliases).toEqual({ 'lm_head.weight': 'model.embed_tokens.weight' });
    expect((await openWeights(bin)).tensors.map(({ name, aliasOf }) => [name, aliasOf])).toContainEqual([
      'lm_head.weight',
      'model.embed_tokens.weight',
    ]);
    expect(await compareWeights(tied, safe, scope)).toMatchObject({ equal: true, tensors: 2 });
    expect(await compareWeights(tied, bin, scope)).toMatchObject({ equal: true, tensors: 2 });
  });
});

describe('an output folder', () => {
  it('is not touched when it holds something already', async () => {
    const to = join(work, 'full');
    await mkdir(to);
    await writeFile(join(to, 'mine'), 'x');

    expect(await failureOf(convertWeights({ from: model, to, format: 'bin' }, scope))).toContain(
      'is not empty',
    );
    expect(await readdir(to)).toEqual(['mine']);
  });

  it('does not appear, not even in part, when the conversion is aborted', async () => {
    const parent = join(work, 'aborted');
    await mkdir(parent);
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));

    const conversion = convertWeights(
      { from: model, to: join(parent, 'out'), format: 'bin' },
      { signal: stop.signal, onProgress },
    );

    await expect(conversion).rejects.toThrow('enough');
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('inspecting weights', () => {
  it('sums up a model and an adapter from their headers', async () => {
    const whole = await inspectWeights(model);
    const adapter = await inspectWeights(join(sample, 'lora-glossary'));

    expect(whole).toMatchObject({
      format: 'safetensors',
      role: 'model',
      parameters: 6_819_072,
      bytes: 13_638_144,
      adapter: null,
    });
    expect(adapter).toMatchObject({
      format: 'bin',
      role: 'adapter',
      files: ['adapter_model.bin'],
      adapter: { r: 16, lora_alpha: 32 },
    });
    expect(adapter.tensors).toHaveLength(24);
  });

  it.each([
    [
      'an index that names a tensor no shard has',
      (map: Map<string, string>) => map.set('ghost', 'model-00001-of-00002.safetensors'),
      'maps ghost',
    ],
    [
      'an index that leaves a tensor out',
      (map: Map<string, string>) => map.delete('model.norm.weight'),
      'does not name model.norm.weight',
    ],
    [
      'an index that names a missing shard',
      (map: Map<string, string>) => map.set('ghost', 'model-3.safetensors'),
      'model-3.safetensors does not exist',
    ],
  ])('refuses %s', async (what, change, problem) => {
    const folder = join(work, what.replaceAll(' ', '-'));
    await cp(model, folder, { recursive: true });
    const file = join(folder, 'model.safetensors.index.json');
    const index = JSON.parse(await readFile(file, 'utf8')) as { weight_map: { [name: string]: string } };
    const map = new Map(Object.entries(index.weight_map));
    change(map);
    await rm(file);
    await writeFile(file, JSON.stringify({ weight_map: Object.fromEntries(map) }));

    expect(await failureOf(openWeights(folder))).toContain(problem);
  });
});

import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const base = join(sample, 'sample-llama');
const adapter = (name: string, weight = 1) => ({ folder: join(sample, name), weight });
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-merge-model-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const text = (...path: string[]) => readFile(join(...path), 'utf8');
const rounding = 'peft-default';

describe('a merged model', () => {
  it('has the shards, index, config and tokenizer of its base', async () => {
    const out = join(work, 'summarise');

    const report = await mergeAdapters({ base, adapters: [adapter('lora-summarise')], out, rounding }, scope);

    expect(report).toEqual({
      tensorsMerged: 42,
      tensorsReplaced: 0,
      tokenizer: 'base',
      tokenizerDifference: null,
      vocabulary: { before: 4096, after: 4096, averaged: 0 },
      rounding,
      warnings: [],
    });
    expect(await readdir(out)).toEqual(await readdir(base));
    expect(await text(out, 'config.json')).toBe(await text(base, 'config.json'));
    expect((await openWeights(out)).tensors).toHaveLength(57);
  });

  it('takes over an extended vocabulary with its tokenizer and chat template', async () => {
    const out = join(work, 'vocab');
    const vocab = join(sample, 'lora-vocab');

    const report = await mergeAdapters({ base, adapters: [adapter('lora-vocab')], out, rounding }, scope);

    expect(report).toMatchObject({
      tensorsMerged: 24,
      tensorsReplaced: 2,
      tokenizer: 'adapter',
      vocabulary: { before: 4096, after: 4104 },
    });
    expect(JSON.parse(await text(out, 'config.json'))).toEqual({
      ...(JSON.parse(await text(base, 'config.json')) as object),
      vocab_size: 4104,
    });
    for (const name of [
      'tokenizer.json',
      'tokenizer_config.json',
      'added_tokens.json',
      'special_tokens_map.json',
    ]) {
      expect(await text(out, name)).toBe(await text(vocab, name));
    }
    const { tensors } = await openWeights(out);
    expect(tensors.filter(({ shape }) => shape[0] === 4104).map(({ name, dtype }) => [name, dtype])).toEqual([
      ['model.embed_tokens.weight', 'F16'],
      ['lm_head.weight', 'F16'],
    ]);
  });

  it('is the same from a base and an adapter in the other format', async () => {
    const [binBase, safeAdapter] = [join(work, 'bin-base'), join(work, 'safe-adapter')];
    await convertWeights({ from: base, to: binBase, format: 'bin' }, scope);
    await convertWeights(
      { from: join(sample, 'lora-glossary'), to: safeAdapter, format: 'safetensors' },
      scope,
    );
    const [one, two] = [join(work, 'one'), join(work, 'two')];

    await mergeAdapters({ base, adapters: [adapter('lora-glossary')], out: one, rounding }, scope);
    await mergeAdapters(
      { base: binBase, adapters: [{ folder: safeAdapter, weight: 1 }], out: two, rounding },
      scope,
    );

    expect(await compareWeights(one, two, scope)).toMatchObject({ equal: true, tensors: 57 });
    expect(await readdir(two)).toEqual(await readdir(one));
  });

  it('is the base again when the adapter has the weight 0', async () => {
    const out = join(work, 'zero');

    await mergeAdapters({ base, adapters: [adapter('lora-summarise', 0)], out, rounding }, scope);

    expect((await compareWeights(base, out, scope)).equal).toBe(true);
  });

  it('is not written when the tokenizer has tokens without rows', async () => {
    const folder = join(work, 'grown-tokenizer');
    await cp(join(sample, 'lora-summarise'), folder, { recursive: true });
    await cp(join(sample, 'lora-vocab', 'tokenizer.json'), join(folder, 'tokenizer.json'));

    const merging = mergeAdapters(
      { base, adapters: [{ folder, weight: 1 }], out: join(work, 'never'), rounding },
      scope,
    );

    expect(await failureOf(merging)).toBe(
      "AdapterMismatch: The adapter's tokenizer needs 4104 embedding rows, the merged model has 4096",
    );
    expect(await readdir(work)).not.toContain('never');
  });

  it('gets rows that are the mean of the others when that is asked for', async () => {
    const folder = join(work, 'grown-by-mean');
    await cp(join(sample, 'lora-summarise'), folder, { recursive: true });
    await cp(join(sample, 'lora-vocab', 'tokenizer.json'), join(folder, 'tokenizer.json'));
    const out = join(work, 'mean');

    const adapters = [{ folder, weight: 1 }];
    const report = await mergeAdapters({ base, adapters, out, rounding, newRows: 'mean' }, scope);

    expect(report.vocabulary).toEqual({ before: 4096, after: 4104, averaged: 8 });
    expect(report.tokenizerDifference).toMatchObject({ added: 8, changed: 0, removed: 0 });
    expect(JSON.parse(await text(out, 'config.json'))).toMatchObject({ vocab_size: 4104 });
    const { tensors } = await openWeights(out);
    const head = tensors.find(({ name }) => name === 'lm_head.weight');
    expect(head?.shape[0]).toBe(4104);
    const bytes = await readFile(head?.file ?? '');
    const rowOf = (row: number): Buffer => {
      const width = 2 * (head?.shape[1] ?? 0);
      return bytes.subarray((head?.offset ?? 0) + row * width, (head?.offset ?? 0) + (row + 1) * width);
    };
    expect(rowOf(4096).equals(rowOf(4103))).toBe(true);
    expect(rowOf(4095).equals(rowOf(4096))).toBe(false);
  });

  it('warns when adapters change the model in one direction, whatever their folders are called', async () => {
    const twin = join(work, 'another-name');
    await cp(join(sample, 'lora-glossary'), twin, { recursive: true });
    const choices = (names: readonly string[]) => names.map((folder) => ({ folder, weight: 0.5 }));

    const same = choices([join(sample, 'lora-glossary'), twin]);
    const different = choices([join(sample, 'lora-glossary'), join(sample, 'lora-summarise')]);
    const warned = await mergeAdapters({ base, adapters: same, out: join(work, 'twins'), rounding }, scope);
    const calm = await mergeAdapters({ base, adapters: different, out: join(work, 'both'), rounding }, scope);

    expect(warned.warnings.join()).toContain('lora-glossary and another-name look like states of one run');
    expect(calm.warnings.join()).not.toContain('one run');
  });

  it('warns when checkpoints of one training run are added up', async () => {
    const checkpoints = ['checkpoint-1000', 'checkpoint-2000'].map((name) => join(work, 'run', name));
    for (const folder of checkpoints) await cp(join(sample, 'lora-glossary'), folder, { recursive: true });

    const { warnings } = await mergeAdapters(
      {
        base,
        adapters: checkpoints.map((folder) => ({ folder, weight: 0.5 })),
        out: join(work, 'snapshots'),
        rounding,
      },
      scope,
    );

    expect(warnings.join()).toContain('look like states of one run (cosine of their changes 1.00)');
  });
});

describe('an adapter that does not fit', () => {
  it('names what is missing in its folder', async () => {
    const folder = join(work, 'no-config');
    await cp(join(sample, 'lora-summarise'), folder, { recursive: true });
    await rm(join(folder, 'adapter_config.json'));

    expect(
      await failureOf(
        mergeAdapters({ base, adapters: [{ folder, weight: 1 }], out: join(work, 'x'), rounding }, scope),
      ),
    ).toContain('no-config/adapter_config.json does not exist');
  });

  it('is refused when its values would overflow the dtype of the base', async () => {
    const folder = join(work, 'loud');
    await cp(join(sample, 'lora-summarise'), folder, { recursive: true });
    const config = JSON.parse(await text(folder, 'adapter_config.json')) as object;
    await rm(join(folder, 'adapter_config.json'));
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, lora_alpha: 1e9 }));

    const merging = mergeAdapters(
      { base, adapters: [{ folder, weight: 1 }], out: join(work, 'loud-out'), rounding },
      scope,
    );

    expect(await failureOf(merging)).toMatch(/^MergeNotFinite: .*model\.layers/);
    expect(await readdir(work)).not.toContain('loud-out');
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MergePiece } from '../../core/domain/weights-plan.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { readFromDisk } from '../fixtures/weights/carry-out-plan.ts';
import { readFloat } from '../fixtures/weights/float-formats.ts';

const goldens = join(import.meta.dirname, '../fixtures/goldens/peft');
const cases = readdirSync(goldens).filter((name) => name !== 'bases' && !name.endsWith('.json'));
const modes = [
  ['default', 'peft-default'],
  ['safe', 'peft-safe'],
] as const;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'peft-goldens-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function merge(name: string, rounding: MergePiece['rounding']) {
  const { base } = JSON.parse(readFileSync(join(goldens, name, 'case.json'), 'utf8')) as { base: string };
  const folder = join(goldens, 'bases', base);
  const adapters = [{ folder: join(goldens, name, 'adapter'), weight: 1 }];
  const out = join(work, `${name}-${rounding}`);
  const report = await mergeAdapters({ base: folder, adapters, out, rounding }, scope);
  const tensorsOf = async (path: string) => (await openWeights(path)).tensors;
  return { report, out, before: await tensorsOf(folder), after: await tensorsOf(out) };
}

const bytesOf = ({ file, offset, bytes }: WeightTensor) => readFromDisk(file, offset, bytes);

interface Compared {
  readonly ours: WeightTensor;
  readonly theirs: WeightTensor;
  /** The tensor before merging. */
  readonly base: WeightTensor | undefined;
}

const valuesOf = (tensor: WeightTensor): number[] => {
  const dtype = tensor.dtype === 'F32' ? 'F32' : tensor.dtype === 'F16' ? 'F16' : 'BF16';
  const [view, size] = [new DataView(bytesOf(tensor).buffer), dtype === 'F32' ? 4 : 2];
  return Array.from({ length: tensor.bytes / size }, (_, item) => readFloat(view, item * size, dtype));
};

/**
 * peft sums in float32 in an order of its own, so that a sum beside a tie may round the other way: one unit in the last
 * place of the result, or of the delta where that is rounded first, for a few items at most.
 */
function expectNear({ ours, theirs, base }: Compared): void {
  const [mine, yours] = [valuesOf(ours), valuesOf(theirs)];
  const start = base === undefined ? [] : valuesOf(base);
  const largest = Math.max(...yours.map(Math.abs));
  const unit = ours.dtype === 'F32' ? 2 ** -23 : ours.dtype === 'F16' ? 2 ** -10 : 2 ** -7;
  const different = mine.flatMap((value, item) => (value === yours[item] ? [] : [item]));
  for (const item of different) {
    const [value = NaN, wanted = NaN] = [mine[item], yours[item]];
    const ulp = unit * Math.max(Math.abs(wanted), Math.abs(wanted - (start[item] ?? wanted)));
    const bound = ours.dtype === 'F32' ? 2e-6 * largest : ulp;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(bound);
  }
  const few = ours.dtype === 'F32' ? 1 : 0.005;
  expect(different.length / mine.length).toBeLessThan(few);
}

describe.each(cases)('an adapter of the kind %s', (name) => {
  it.each(modes)('is merged as peft merges it (%s)', async (mode, rounding) => {
    const { before, after, report } = await merge(name, rounding);
    const golden = (await openWeights(join(goldens, name, 'merged.safetensors'))).tensors;
    const theirs = new Map(golden.map((tensor) => [tensor.name, tensor]));
    const changed = after.filter((tensor) => theirs.has(`${mode}/${tensor.name}`));
    const expected = golden.filter((tensor) => tensor.name.startsWith(`${mode}/`));

    expect(changed.map((tensor) => `${mode}/${tensor.name}`).toSorted()).toEqual(
      expected.map((tensor) => tensor.name).toSorted(),
    );
    expect(report.tensorsMerged + report.tensorsReplaced).toBeGreaterThan(0);
    for (const tensor of changed) {
      const golden = theirs.get(`${mode}/${tensor.name}`);
      expect(golden).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
      const base = before.find(({ name: one }) => one === tensor.name);
      if (golden !== undefined) expectNear({ ours: tensor, theirs: golden, base });
    }
    // An output layer that is no longer tied is new under its name, with what it shared before.
    const stored = after.filter((one) => !changed.includes(one) && one.aliasOf === undefined);
    for (const tensor of stored) {
      const same = before.find((one) => one.name === tensor.name);
      const original = same ?? before.find((one) => /embed_tokens/.test(one.name));
      expect(original && Buffer.compare(bytesOf(tensor), bytesOf(original))).toBe(0);
    }
  });
});

describe('a tied base', () => {
  const tieOf = (folder: string) =>
    (JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { tie_word_embeddings: boolean })
      .tie_word_embeddings;

  it('is untied when only its embedding is adapted: the output layer stays what the adapter was trained with', async () => {
    const { out, after, report } = await merge('embedding-tied', 'once');

    expect(tieOf(out)).toBe(false);
    expect(after.map((tensor) => tensor.name)).toContain('lm_head.weight');
    expect(report.warnings.join()).toContain('no longer tied');
  });

  it('stays tied when single rows were trained, which peft gives to both sides', async () => {
    const { out, after } = await merge('tokens-tied', 'once');

    expect(tieOf(out)).toBe(true);
    expect(after.find((tensor) => tensor.name === 'lm_head.weight')?.aliasOf).toBe(
      'model.embed_tokens.weight',
    );
  });
});

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
const modes = { default: 'peft-default', safe: 'peft-safe' } as const;
type Mode = keyof typeof modes;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'peft-goldens-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

interface Case {
  readonly base: string;
  /** Of the adapters in their order; 1 unless told. */
  readonly weights?: readonly number[];
  /** Instead of peft's own: the one that gives what peft makes in another way. */
  readonly rounding?: MergePiece['rounding'];
}

const caseOf = (name: string) => JSON.parse(readFileSync(join(goldens, name, 'case.json'), 'utf8')) as Case;

async function merge(name: string, rounding: MergePiece['rounding']) {
  const { base, weights = [] } = caseOf(name);
  const folder = join(goldens, 'bases', base);
  const names = readdirSync(join(goldens, name))
    .filter((one) => one.startsWith('adapter'))
    .toSorted();
  const adapters = names.map((one, at) => ({ folder: join(goldens, name, one), weight: weights[at] ?? 1 }));
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

/** Units in the last place, between the results and where a delta is rounded first between the deltas. */
const mostUlps: { readonly [name: string]: number } = { sequence: 2, resized: 4 };
/** Of the items of a tensor; one item of a small one is more than that. */
const mostDifferent = 0.001;

/**
 * peft sums in float32 in an order of its own, so that a sum beside a tie may round the other way: one unit in the last
 * place, two where adapters are stacked, four where rows were added, and one item in a thousand.
 */
function expectNear({ ours, theirs, base }: Compared, ulps: number): void {
  const [mine, yours] = [valuesOf(ours), valuesOf(theirs)];
  const start = base === undefined ? [] : valuesOf(base);
  const largest = Math.max(...yours.map(Math.abs));
  const unit = ours.dtype === 'F16' ? 2 ** -10 : 2 ** -7;
  const different = mine.flatMap((value, item) => (value === yours[item] ? [] : [item]));
  for (const item of different) {
    const [value = NaN, wanted = NaN] = [mine[item], yours[item]];
    const ulp = unit * Math.max(Math.abs(wanted), Math.abs(wanted - (start[item] ?? wanted)));
    const bound = ours.dtype === 'F32' ? 2e-6 * largest : ulps * ulp;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(bound);
  }
  if (ours.dtype === 'F32') return;
  expect(different.length).toBeLessThanOrEqual(Math.max(1, mostDifferent * mine.length));
}

describe.each(cases)('an adapter of the kind %s', (name) => {
  const header = readFileSync(join(goldens, name, 'merged.safetensors'), 'latin1');
  const recorded = (['default', 'safe'] as const).filter((mode) => header.includes(`"${mode}/`));

  it.each(recorded)('is merged as peft merges it (%s)', async (mode: Mode) => {
    const { before, after, report } = await merge(name, caseOf(name).rounding ?? modes[mode]);
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
      if (golden !== undefined) expectNear({ ours: tensor, theirs: golden, base }, mostUlps[name] ?? 1);
    }
    // An output layer that is no longer tied is new under its name, with what it shared before.
    const stored = after.filter((one) => !changed.includes(one) && one.aliasOf === undefined);
    for (const tensor of stored) {
      const same = before.find((one) => one.name === tensor.name);
      const original = same ?? before.find((one) => /embed_tokens|wte/.test(one.name));
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

  it('is known without a word of its config, also under the names of its trunk alone', async () => {
    const { out, after } = await merge('embedding-silent', 'once');

    expect(tieOf(out)).toBe(false);
    expect(after.map((tensor) => tensor.name)).toContain('lm_head.weight');
    expect(after.map((tensor) => tensor.name)).toContain('wte.weight');
  });

  it('stays tied when single rows were trained, which peft gives to both sides', async () => {
    const { out, after } = await merge('tokens-tied', 'once');

    expect(tieOf(out)).toBe(true);
    expect(after.find((tensor) => tensor.name === 'lm_head.weight')?.aliasOf).toBe(
      'model.embed_tokens.weight',
    );
  });
});

import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FloatDtype, MatrixRange, OutputPlan } from '../../../core/domain/weights-plan.ts';
import { mergeWeights } from '../../../system/native-cli/run-weights.ts';
import { packageRoot } from '../../../system/package-root.ts';

const sample = join(packageRoot(), 'examples', 'sample');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-oracle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The two-dimensional tensors of a safetensors file: u64 length, JSON header, bytes. */
async function readMatrices(path: string): Promise<Map<string, MatrixRange>> {
  const file = await open(path);
  try {
    const size = Number((await file.read(Buffer.alloc(8), 0, 8, 0)).buffer.readBigUInt64LE());
    const { buffer } = await file.read(Buffer.alloc(size), 0, size, 8);
    const header: Record<string, { dtype: FloatDtype; shape: number[]; data_offsets: number[] }> = JSON.parse(
      buffer.toString(),
    );
    return new Map(
      Object.entries(header).flatMap(([name, { dtype, shape, data_offsets: offsets }]) => {
        const [rows, columns] = shape ?? [];
        if (rows === undefined || columns === undefined) return [];
        return [[name, { file: path, offset: 8 + size + (offsets[0] ?? 0), dtype, rows, columns }]];
      }),
    );
  } finally {
    await file.close();
  }
}

async function readJson(path: string) {
  return JSON.parse(await readFile(path, 'utf8'));
}

it('merges the sample’s adapter to the very bits of an exact float64 merge rounded once', async () => {
  const { merges } = await readJson(join(packageRoot(), 'test', 'fixtures', 'oracles', 'merge_digests.json'));
  const config = await readJson(join(sample, 'lora-summarise', 'adapter_config.json'));
  const shards = await Promise.all(
    ['00001', '00002'].map((part) =>
      readMatrices(join(sample, 'sample-llama', `model-${part}-of-00002.safetensors`)),
    ),
  );
  const base = new Map(shards.flatMap((shard) => [...shard]));
  const adapter = await readMatrices(join(sample, 'lora-summarise', 'adapter_model.safetensors'));

  const outputs = merges.A.changed_tensors.map((name: string): OutputPlan => {
    const factor = (side: 'A' | 'B') =>
      adapter.get(`base_model.model.${name.replace(/\.weight$/, `.lora_${side}.weight`)}`);
    const [matrix, a, b] = [base.get(name), factor('A'), factor('B')];
    if (matrix === undefined || a === undefined || b === undefined)
      throw new Error(`the sample lacks ${name}`);
    const changes = [{ kind: 'low-rank' as const, a, b, scale: config.lora_alpha / config.r }];
    const piece = {
      kind: 'merge',
      name,
      base: matrix,
      dtype: matrix.dtype,
      changes,
      rounding: 'peft-default',
    } as const;
    return { path: join(folder, name), bytes: matrix.rows * matrix.columns * 2, pieces: [piece] };
  });
  const written = await mergeWeights(
    { version: 1, outputs },
    { signal: new AbortController().signal, onProgress: () => undefined },
  );

  const expected = merges.A.changed_tensors.map((name: string) => [
    name,
    merges.A.exact_f64.tensors[name].sha256,
  ]);
  expect(expected).toHaveLength(42);
  expect(written.map(({ path, sha256 }) => [path.slice(folder.length + 1), sha256])).toEqual(expected);
});

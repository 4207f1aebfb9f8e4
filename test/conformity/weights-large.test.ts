import { mkdtemp, open, readFile, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MatrixRange, OutputPlan } from '../../core/domain/weights-plan.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import type { PlannedTensor } from '../../core/formats/pieces.ts';
import { planSafetensorsFile } from '../../core/formats/safetensors/plan-file.ts';
import { planTorchFile } from '../../core/formats/torch/plan-file.ts';
import { copyWeights, mergeWeights } from '../../system/native-cli/run-weights.ts';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { digestTensors } from '../../system/weights/digest-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';

/** Files of which nearly all is a hole: they take kilobytes of disk, and offsets beyond what 32 bits hold. */
const holeBytes = 5 * 2 ** 30;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const values = Float32Array.from({ length: 64 }, (_, at) => at - 7.5);
const content = new Uint8Array(values.buffer);

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-large-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const tensors: readonly PlannedTensor[] = [
  {
    name: 'hole',
    dtype: 'F32',
    shape: [holeBytes / 4],
    piece: { kind: 'range', file: '/hole', offset: 0, bytes: holeBytes },
  },
  {
    name: 'small',
    dtype: 'F32',
    shape: [8, 8],
    piece: { kind: 'range', file: '/small', offset: 0, bytes: 256 },
  },
];

async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  await handle.write(bytes, 0, bytes.length, offset);
}

/** Carries a plan out without the bytes of its hole, whose sum stays 0. */
async function writeSparse({ path, bytes, pieces }: OutputPlan): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.truncate(bytes);
    const sums: number[] = [];
    let at = 0;
    for (const piece of pieces) {
      const literal = piece.kind === 'bytes' ? Buffer.from(piece.base64, 'base64') : content;
      const isHole = piece.kind === 'range' && piece.file === '/hole';
      if (!isHole) await writeAt(handle, literal, at);
      if (!isHole && piece.kind === 'range') sums.push(...(piece.crc32At ?? []));
      at += isHole ? holeBytes : literal.length;
    }
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(content));
    for (const place of sums) await writeAt(handle, sum, place);
  } finally {
    await handle.close();
  }
}

const matrix = (file: string, offset: number): MatrixRange => ({
  file,
  offset,
  dtype: 'F32',
  rows: 8,
  columns: 8,
});

describe.each([
  ['safetensors', planSafetensorsFile],
  ['bin', planTorchFile],
] as const)('a %s of more than four gibibytes', (format, planOf) => {
  let file: string;
  let offset: number;
  beforeAll(async () => {
    file = join(work, `large.${format}`);
    await writeSparse(planOf(file, tensors, new Map()));
    const opened = await openWeights(file);
    offset = opened.tensors.find(({ name }) => name === 'small')?.offset ?? NaN;
  });

  it('is opened with every tensor in its place, and takes next to no disk', async () => {
    const { size, blocks } = await stat(file);
    const opened = await openWeights(file);

    expect(size).toBeGreaterThan(holeBytes);
    expect(blocks * 512).toBeLessThan(2 ** 20);
    expect(opened.tensors).toMatchObject([
      { name: 'hole', dtype: 'F32', shape: [holeBytes / 4], bytes: holeBytes },
      { name: 'small', dtype: 'F32', shape: [8, 8], bytes: 256 },
    ]);
    expect(offset).toBeGreaterThan(2 ** 32);
  });

  it('gives the bytes beyond them to the native program, checked where there is a sum', async () => {
    const small = (await openWeights(file)).tensors.filter(({ name }) => name === 'small');

    const digests = await digestTensors(small, scope);

    expect(digests.get('small')).toBe(createHash('sha256').update(content).digest('hex'));
    expect(checksOf(small).map(({ crc32: sum }) => sum)).toEqual(format === 'bin' ? [crc32(content)] : []);
  });

  it('is gathered and merged across that border', async () => {
    const out = join(work, `out.${format}`);
    // Two rows of eight floats: one deep in the hole, one of the small tensor.
    const step = (offset - 4096) / 4;
    const gathered = {
      kind: 'gather',
      file,
      offset: offset - 4 * step,
      itemBytes: 4,
      shape: [2, 8],
      strides: [step, 1],
    } as const;
    const added = { kind: 'add', matrix: matrix(file, offset), scale: 2 } as const;
    const merged = {
      kind: 'merge',
      base: matrix(file, offset),
      dtype: 'F32',
      changes: [added],
      rounding: 'once',
    } as const;

    await copyWeights({ version: 1, outputs: [{ path: out, bytes: 64, pieces: [gathered] }] }, scope);
    const rows = await readFile(out);
    await mergeWeights({ version: 1, outputs: [{ path: out, bytes: 256, pieces: [merged] }] }, scope);
    const sum = await readFile(out);

    expect(step).toBeGreaterThan(2 ** 30);
    expect(Buffer.from(rows.subarray(32)).equals(content.subarray(0, 32))).toBe(true);
    expect([...new Float32Array(new Uint8Array(sum).buffer)]).toEqual([...values].map((value) => 3 * value));
  });
});

it('of more records than a plain zip can count goes to .bin and back', { timeout: 300_000 }, async () => {
  const count = 66_000;
  const entries = Array.from(
    { length: count },
    (_, at) => `"t${at}":{"dtype":"U8","shape":[2],"data_offsets":[${2 * at},${2 * at + 2}]}`,
  );
  const header = Buffer.from(`{${entries.join()}}`);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const body = Buffer.alloc(2 * count);
  for (let at = 0; at < count; at += 1) body.writeUInt16LE(at & 0xffff, 2 * at);
  const [plain, bin, back] = [
    join(work, 'many.safetensors'),
    join(work, 'many.bin'),
    join(work, 'back.safetensors'),
  ];
  await writeFile(plain, Buffer.concat([prefix, header, body]));

  await convertWeights({ from: plain, to: bin, format: 'bin' }, scope);
  await convertWeights({ from: bin, to: back, format: 'safetensors' }, scope);

  const { tensors: found } = await openWeights(bin);
  expect(found).toHaveLength(count);
  expect(checksOf(found)).toHaveLength(count);
  expect(await compareWeights(plain, back, scope)).toMatchObject({ equal: true, tensors: count });
});

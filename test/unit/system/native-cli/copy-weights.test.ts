import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EffectScope, Progress } from '../../../../core/domain/progress.ts';
import type { Piece } from '../../../../core/domain/weights-plan.ts';
import { locateWeights } from '../../../../system/native-cli/locate.ts';
import { copyWeights, digestWeights } from '../../../../system/native-cli/run-weights.ts';

let folder: string;
let input: string;
let reports: Progress[];
let scope: EffectScope;
const content = Buffer.from(Array.from({ length: 240 }, (_, index) => (index * 7) % 251));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-native-'));
  input = join(folder, 'input é "quoted"');
  await writeFile(input, content);
  reports = [];
  scope = { signal: new AbortController().signal, onProgress: (progress) => reports.push(progress) };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const range = (offset: number, bytes: number, name = 'w'): Piece => ({
  kind: 'range',
  file: input,
  offset,
  bytes,
  name,
});
const literal = (bytes: Uint8Array): Piece => ({
  kind: 'bytes',
  base64: Buffer.from(bytes).toString('base64'),
});
const copy = (pieces: readonly Piece[], bytes: number, name = 'out') =>
  copyWeights({ version: 1, outputs: [{ path: join(folder, name), bytes, pieces }] }, scope);
const filesLeft = async () => (await readdir(folder)).filter((name) => !name.startsWith('input'));

describe('copyWeights', () => {
  it('joins literal bytes and ranges, and reports size and sha256 of the file', async () => {
    const written = await copy([literal(Buffer.from('head')), range(10, 100), range(0, 7)], 111);

    const expected = Buffer.concat([Buffer.from('head'), content.subarray(10, 110), content.subarray(0, 7)]);
    expect(await readFile(join(folder, 'out'))).toEqual(expected);
    expect(written).toEqual([{ path: join(folder, 'out'), bytes: 111, sha256: sha256(expected) }]);
    expect(await filesLeft()).toEqual(['out']);
  });

  it('makes transposed and expanded views contiguous', async () => {
    const view = { kind: 'gather', file: input, offset: 4, itemBytes: 2 } as const;
    await copy(
      [
        { ...view, shape: [3, 5], strides: [1, 3] },
        { ...view, shape: [2, 4], strides: [0, 1] },
      ],
      46,
    );

    const item = (index: number) => content.subarray(4 + 2 * index, 6 + 2 * index);
    const transposed = [0, 1, 2].flatMap((row) => [0, 1, 2, 3, 4].map((column) => item(row + 3 * column)));
    const expanded = [0, 1, 2, 3, 0, 1, 2, 3].map(item);
    expect(await readFile(join(folder, 'out'))).toEqual(Buffer.concat([...transposed, ...expanded]));
  });

  it('writes a piece’s CRC-32 behind it, and takes the digest over the patched file', async () => {
    const piece: Piece = { kind: 'range', file: input, offset: 3, bytes: 50, crc32At: [50, 56] };
    const written = await copy([piece, literal(Buffer.alloc(10, 7))], 60);

    const bytes = content.subarray(3, 53);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(crc32(bytes));
    const expected = Buffer.concat([bytes, crc, Buffer.alloc(2, 7), crc]);
    expect(await readFile(join(folder, 'out'))).toEqual(expected);
    expect(written[0]?.sha256).toBe(sha256(expected));
  });

  it('reports growing progress that ends at the whole', async () => {
    await copy([range(0, 200, 'first'), range(0, 40, 'second')], 240);

    const fractions = reports.map(({ fraction }) => fraction);
    expect(fractions[0]).toBe(0);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    // Pieces are written side by side: either may be the last.
    expect(reports.at(-1)).toEqual({ fraction: 1, note: expect.stringMatching(/^(?:first|second)$/) });
  });

  it('replaces a file that has the name already, and writes an empty one', async () => {
    await writeFile(join(folder, 'out'), 'a longer text than the new one');
    await copy([range(0, 5)], 5);
    await copy([], 0, 'empty');

    expect(await readFile(join(folder, 'out'))).toEqual(content.subarray(0, 5));
    expect(await readFile(join(folder, 'empty'))).toHaveLength(0);
  });

  it('copies beyond 4 GiB from a sparse file', async () => {
    const offset = 5 * 2 ** 30;
    const file = await open(input, 'r+');
    await file.write(Buffer.from('far away'), 0, 8, offset);
    await file.close();

    await copy([range(offset, 8)], 8);

    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('far away');
  });

  it('refuses a range outside its file by the tensor’s name, and leaves nothing', async () => {
    await expect(copy([range(0, 100), range(200, 41, 'layer.9')], 141)).rejects.toMatchObject({
      name: 'WeightsCorrupt',
      message: `"layer.9" ends at byte 241 of ${input}, which has 240`,
      details: { tensor: 'layer.9', exitCode: 65 },
    });
    expect(await filesLeft()).toEqual([]);
  });

  it('names a missing input', async () => {
    const gone: Piece = { kind: 'range', file: join(folder, 'gone'), offset: 0, bytes: 1 };
    await expect(copy([gone], 1)).rejects.toMatchObject({
      name: 'WeightsMissing',
      details: { exitCode: 66 },
    });
  });

  it('says that a place cannot be written', async () => {
    const under = join(input, 'out');
    const plan = { version: 1, outputs: [{ path: under, bytes: 1, pieces: [range(0, 1)] }] } as const;
    await expect(copyWeights(plan, scope)).rejects.toMatchObject({
      name: 'StoreUnwritable',
      details: { exitCode: 73 },
    });
  });

  it('says that the disk is too small before it writes', async () => {
    const bytes = 2 ** 50;
    const repeated: Piece = {
      kind: 'gather',
      file: input,
      offset: 0,
      itemBytes: 1,
      shape: [bytes],
      strides: [0],
    };

    await expect(copy([repeated], bytes)).rejects.toMatchObject({
      name: 'DiskFull',
      message: expect.stringMatching(/needs 1125899906842624 bytes, its disk has \d+ left$/),
      details: { exitCode: 74 },
    });
    expect(await filesLeft()).toEqual([]);
  });

  it('takes a plan that contradicts itself for our own bug', async () => {
    await expect(copy([range(0, 10)], 11)).rejects.toMatchObject({ name: 'InternalError' });
  });

  it('does not compute: a merge piece needs the verb merge', async () => {
    const base = { file: input, offset: 0, dtype: 'F16', rows: 1, columns: 1 } as const;
    const piece: Piece = { kind: 'merge', base, dtype: 'F16', changes: [], rounding: 'once' };
    await expect(copy([piece], 2)).rejects.toThrow('use the verb merge');
  });
});

describe('digestWeights', () => {
  it('gives the same digest to a tensor and to a view of the same items', async () => {
    const square = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const transposed = Buffer.from([1, 4, 7, 2, 5, 8, 3, 6, 9]);
    await writeFile(input, Buffer.concat([square, transposed]));
    const view = { kind: 'gather', file: input, offset: 9, itemBytes: 1, shape: [3, 3] } as const;
    const inputs = [
      { kind: 'range', file: input, offset: 0, bytes: 9, name: 'plain' } as const,
      { ...view, strides: [1, 3], name: 'turned' },
      { ...view, strides: [3, 1], name: 'other' },
    ];

    const digests = await digestWeights({ version: 1, inputs }, scope);

    expect(digests.get('plain')).toBe(sha256(square));
    expect(digests.get('turned')).toBe(sha256(square));
    expect(digests.get('other')).toBe(sha256(transposed));
  });
});

describe('locateWeights', () => {
  it('prefers what it is given, and tells how to get a missing executable', () => {
    expect(locateWeights(input)).toBe(input);
    expect(locateWeights('')).toBe(locateWeights());
    expect(() => locateWeights(join(folder, 'none'))).toThrow(
      expect.objectContaining({ name: 'ToolchainMissing', hint: expect.stringContaining('npm run setup') }),
    );
  });
});

import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pieceOf, type PlannedTensor } from '../../core/formats/pieces.ts';
import { planWeightFile } from '../../core/formats/plan-weight-file.ts';
import { recordedAliases } from '../../core/formats/recorded-aliases.ts';
import { readSafetensorsHeader } from '../../core/formats/safetensors/read-header.ts';
import { splitIntoShards } from '../../core/formats/split-shards.ts';
import { dtypeBits, type TensorDtype, type WeightTensor } from '../../core/formats/tensor.ts';
import { readTorchFile } from '../../core/formats/torch/read-torch-file.ts';
import { torchItemBytes } from '../../core/formats/torch/torch-dtypes.ts';
import type { WeightFormat } from '../../core/formats/weight-files.ts';
import { bytesOf, carryOutPlan, type ReadRange } from '../fixtures/weights/carry-out-plan.ts';
import { memorySource } from '../fixtures/weights/memory-source.ts';

/** Files by path, all in memory. */
type Disk = Map<string, Uint8Array>;

const readFrom =
  (disk: Disk): ReadRange =>
  (file, offset, bytes) => {
    const content = disk.get(file) ?? new Uint8Array();
    if (offset + bytes > content.length) throw new Error(`${file} ends before ${offset + bytes}`);
    return content.slice(offset, offset + bytes);
  };

const storagePath = '/storage';
const storageBytes = 4096;

/** dtypes that .bin holds too; views only of those whose items torch counts as we do. */
const dtypes = (Object.keys(dtypeBits) as TensorDtype[]).filter(
  (dtype) => torchItemBytes(dtype) !== undefined,
);
const spec = fc.record({
  dtype: fc.constantFrom(...dtypes),
  shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  offset: fc.nat(64),
  strides: fc.option(fc.array(fc.nat(9), { minLength: 4, maxLength: 4 }), { nil: undefined }),
  /** Of which earlier tensor it is another name, if that many came before. */
  aliasOf: fc.option(fc.nat(11), { nil: undefined, freq: 3 }),
});
const names = fc.uniqueArray(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom('__proto__', '0', 'lm_head.weight', 'model.embed_tokens.weight', '\uff5e', '\u{1f980}'),
  ),
  { minLength: 12, maxLength: 12, selector: (name) => name },
);
const weights = fc
  .tuple(
    names.filter((all) => !all.includes('__metadata__')),
    fc.array(spec, { minLength: 1, maxLength: 12 }),
  )
  .map(([all, specs]) => layOut(all, specs));

type Spec = (typeof spec extends fc.Arbitrary<infer T> ? T : never) & object;

/** Tensors over one storage of odd bytes: strided, expanded, and some under two names. */
function layOut(all: readonly string[], specs: readonly Spec[]): WeightTensor[] {
  const tensors: WeightTensor[] = [];
  for (const [index, facts] of specs.entries()) {
    const name = all[index] ?? '';
    const owner = tensors[facts.aliasOf ?? Infinity];
    const isShared = owner !== undefined && owner.aliasOf === undefined && owner.bytes > 0;
    // Apart from each other, or two would by chance be the very same tensor.
    const offset = facts.offset + index * 160;
    tensors.push(isShared ? { ...owner, name, aliasOf: owner.name } : ownTensor(name, { ...facts, offset }));
  }
  return tensors;
}

function ownTensor(name: string, facts: Spec): WeightTensor {
  const { dtype, offset } = facts;
  const shape = dtype === 'F4' ? [...facts.shape, 2] : facts.shape;
  const bytes = (shape.reduce((product, size) => product * size, 1) * dtypeBits[dtype]) / 8;
  const strides = bytes === 0 || dtype === 'F4' ? undefined : facts.strides?.slice(0, shape.length);
  const isView = strides !== undefined && strides.length > 0;
  return { name, dtype, shape, bytes, file: storagePath, offset, ...(isView ? { strides } : {}) };
}

const storage = Uint8Array.from({ length: storageBytes }, (_, at) => (at * 167 + (at >> 3)) & 0xff);

function digests(tensors: readonly WeightTensor[], disk: Disk): Map<string, string> {
  return new Map(
    tensors
      .map((tensor): [string, string] => {
        const content = bytesOf(pieceOf(tensor), readFrom(disk));
        const sha256 = createHash('sha256').update(content).digest('hex');
        return [tensor.name, `${tensor.dtype} [${tensor.shape.join()}] ${sha256}`];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

interface Conversion {
  readonly disk: Disk;
  readonly format: WeightFormat;
  readonly tiesWordEmbeddings: boolean;
}

/** Writes a file as `convert` plans it and reads it back with the format's own reader. */
async function convert(tensors: readonly WeightTensor[], conversion: Conversion): Promise<WeightTensor[]> {
  const { disk, format, tiesWordEmbeddings } = conversion;
  const path = `/${disk.size}.${format}`;
  const planned = tensors.map(toPlanned);
  const { output } = planWeightFile({ path, format, tensors: planned, tiesWordEmbeddings });
  disk.set(path, carryOutPlan(output, readFrom(disk)));
  const source = memorySource(disk.get(path) ?? new Uint8Array(), path);
  if (format === 'bin') return [...(await readTorchFile(source)).tensors];
  const header = await readSafetensorsHeader(source);
  const own = header.tensors.map((tensor) => ({ ...tensor, file: path }));
  return [...own, ...recordedAliases(own, header.metadata)];
}

function toPlanned(tensor: WeightTensor): PlannedTensor {
  const { name, dtype, shape, aliasOf } = tensor;
  return { name, dtype, shape, piece: pieceOf(tensor), ...(aliasOf === undefined ? {} : { aliasOf }) };
}

describe('converting there and back', () => {
  it('keeps every name, dtype, shape and byte, whatever is shared, strided or expanded', async () => {
    await fc.assert(
      fc.asyncProperty(weights, fc.boolean(), async (tensors, tiesWordEmbeddings) => {
        const disk: Disk = new Map([[storagePath, storage]]);
        const expected = digests(tensors, disk);
        let current = tensors;
        for (const format of ['bin', 'safetensors', 'bin', 'safetensors'] as const) {
          current = await convert(current, { disk, format, tiesWordEmbeddings });
          expect(digests(current, disk)).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same bytes the second time, so that equal weights have one file', async () => {
    await fc.assert(
      fc.asyncProperty(weights, fc.boolean(), async (tensors, tiesWordEmbeddings) => {
        const disk: Disk = new Map([[storagePath, storage]]);
        const safe = await convert(tensors, { disk, format: 'safetensors', tiesWordEmbeddings });
        const bin = await convert(safe, { disk, format: 'bin', tiesWordEmbeddings });
        const again = await convert(bin, { disk, format: 'safetensors', tiesWordEmbeddings });

        expect(disk.get(again[0]?.file ?? '')).toEqual(disk.get(safe[0]?.file ?? ''));
      }),
      { numRuns: 100 },
    );
  });
});

describe('dividing tensors into shards', () => {
  it('puts every name in one shard, in order, within the limit unless it is alone or shares', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 300 }), (tensors, maxBytes) => {
        const shards = splitIntoShards(tensors, maxBytes);
        const owned = shards.map((shard) => shard.filter(({ aliasOf }) => aliasOf === undefined));
        const sizes = owned.map((shard) => shard.reduce((sum, { bytes }) => sum + bytes, 0));

        expect(
          shards
            .flat()
            .map(({ name }) => name)
            .sort(),
        ).toEqual(tensors.map(({ name }) => name).sort());
        expect(sizes.every((bytes, at) => bytes <= maxBytes || owned[at]?.length === 1)).toBe(true);
        for (const shard of shards) {
          const own = new Set(shard.map(({ name }) => name));
          expect(shard.every(({ aliasOf }) => aliasOf === undefined || own.has(aliasOf))).toBe(true);
        }
      }),
    );
  });
});

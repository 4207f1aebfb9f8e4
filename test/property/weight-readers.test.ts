import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { readSafetensorsHeader } from '../../core/formats/safetensors/read-header.ts';
import { layOutSafetensors } from '../../core/formats/safetensors/write-header.ts';
import { planTorchFile } from '../../core/formats/torch/plan-file.ts';
import { readTorchFile } from '../../core/formats/torch/read-torch-file.ts';
import { countBytes, dtypeBits, type TensorDtype, type TensorSpec } from '../../core/formats/tensor.ts';
import { carryOutPlan } from '../fixtures/weights/carry-out-plan.ts';
import { concat, memorySource, safetensorsFile } from '../fixtures/weights/memory-source.ts';
import { op, torchZip } from '../fixtures/weights/pickles.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/torch', name)));

/** Anything but a BuildFailure is a bug: a crash, or worse, on bytes a stranger chose. */
async function endsProperly(reading: Promise<unknown>): Promise<boolean> {
  try {
    await reading;
    return true;
  } catch (error) {
    if (isBuildFailure(error)) return true;
    throw error;
  }
}

/** Up to eight bytes changed, and perhaps an end cut off. */
const damaged = (file: Uint8Array) =>
  fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 }),
      keep: fc.oneof(fc.constant(file.length), fc.nat(file.length)),
    })
    .map(({ changes, keep }) => {
      const copy = file.slice(0, keep);
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });

describe('readers of weight files never throw anything but their failure', () => {
  const json = fc.json({ maxDepth: 4 }).map((text) => safetensorsFile(text, 3));
  const plain = safetensorsFile(
    '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}',
    4,
  );

  it.each([
    ['random bytes', fc.uint8Array({ maxLength: 300 })],
    ['any JSON as a header', json],
    ['a damaged file', damaged(plain)],
  ])('safetensors: %s', async (_, files) => {
    const trial = fc.assert(
      fc.asyncProperty(files, (file) => endsProperly(readSafetensorsHeader(memorySource(file)))),
      { numRuns: 1000 },
    );

    await expect(trial).resolves.toBeUndefined();
  });

  const opcodes = fc.array(
    fc.oneof(
      fc.constantFrom(...'.(}]tuRbQNseaq\x00h\x00\x85\x86\x87\x88\x89\x81\x93\x94'),
      fc.constantFrom(
        op.text('storage'),
        op.int(2),
        op.global('torch', 'FloatStorage'),
        op.global('torch._utils', '_rebuild_tensor_v2'),
        op.global('collections', 'OrderedDict'),
      ),
    ),
    { maxLength: 40 },
  );

  it.each([
    ['random bytes', fc.uint8Array({ maxLength: 300 })],
    ['random opcodes', opcodes.map((parts) => torchZip(concat(op.proto, ...parts, op.stop)))],
    ['a damaged zip', damaged(fixture('zip.bin'))],
    ['a damaged legacy file', damaged(fixture('legacy.bin'))],
    ['a damaged checkpoint', damaged(fixture('checkpoint.bin'))],
  ])('torch: %s', async (_, files) => {
    const trial = fc.assert(
      fc.asyncProperty(files, (file) => endsProperly(readTorchFile(memorySource(file, '/x.bin')))),
      { numRuns: 1000 },
    );

    await expect(trial).resolves.toBeUndefined();
  });
});

const names = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('__proto__', '0', 'constructor', 'a/b'),
);
const specs = (dtypes: readonly TensorDtype[]) =>
  fc.uniqueArray(
    fc.record({
      name: names.filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
    }),
    {
      selector: ({ name }) => name,
      maxLength: 12,
    },
  );

describe('what the writers write, the readers read', () => {
  const dtypes = Object.keys(dtypeBits) as TensorDtype[];
  const whole = dtypes.filter((dtype) => dtypeBits[dtype] % 8 === 0);

  it('safetensors headers', async () => {
    await fc.assert(
      fc.asyncProperty(specs(whole), async (tensors) => {
        const layout = layOutSafetensors(tensors);
        const file = concat(layout.header, new Uint8Array(layout.bytes - layout.header.length));

        const { tensors: found } = await readSafetensorsHeader(memorySource(file));

        expect(byName(found)).toEqual(byName(layout.tensors));
        expect(byName(found).map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
          byName(tensors),
        );
      }),
    );
  });

  it('torch files', async () => {
    await fc.assert(
      fc.asyncProperty(specs(whole), async (tensors) => {
        const planned = tensors.map((tensor) => ({
          ...tensor,
          piece: {
            kind: 'range',
            file: '/in',
            offset: 0,
            bytes: countBytes(tensor.dtype, tensor.shape) ?? 0,
          } as const,
        }));
        const file = carryOutPlan(planTorchFile('/out.bin', planned), (_, __, bytes) =>
          new Uint8Array(bytes).fill(7),
        );

        const { tensors: found } = await readTorchFile(memorySource(file, '/out.bin'));

        expect(found.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(tensors);
        for (const { offset, bytes } of found)
          expect(file.slice(offset, offset + bytes)).toEqual(new Uint8Array(bytes).fill(7));
      }),
    );
  });
});

function byName<T extends TensorSpec>(tensors: readonly T[]): T[] {
  return tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

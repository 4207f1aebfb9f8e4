import { describe, expect, it } from 'vitest';
import { planZip } from '../../../../../core/formats/torch/plan-zip.ts';
import { readZipRecords } from '../../../../../core/formats/torch/read-zip.ts';
import type { ByteSource } from '../../../../../core/formats/byte-source.ts';
import { concat, failureOf, memorySource } from '../../../../fixtures/weights/memory-source.ts';
import { zipOf } from '../../../../fixtures/weights/pickles.ts';

const read = (bytes: Uint8Array) => readZipRecords(memorySource(bytes, '/x.bin'));
const plain = zipOf({ 'a/one': 'first', 'a/two': 'second' });

/** A copy with one 16- or 32-bit field changed, found from the n-th occurrence of a signature. */
function patched(field: {
  signature: number;
  occurrence?: number;
  at: number;
  bits: 16 | 32;
  value: number;
}): Uint8Array {
  const copy = Uint8Array.from(plain);
  const view = new DataView(copy.buffer);
  const starts = Array.from(copy.keys()).filter(
    (at) => at + 4 <= copy.length && view.getUint32(at, true) === field.signature,
  );
  const start = starts[field.occurrence ?? 0] ?? NaN;
  if (field.bits === 16) view.setUint16(start + field.at, field.value, true);
  else view.setUint32(start + field.at, field.value, true);
  return copy;
}

const local = 0x04034b50;
const entry = 0x02014b50;
const end = 0x06054b50;

describe('reading a zip archive', () => {
  it('finds the records on 64-byte borders', async () => {
    const records = await read(plain);

    expect(records.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a/one', 5],
      ['a/two', 6],
    ]);
    expect(records.every(({ offset }) => offset % 64 === 0)).toBe(true);
    expect(Buffer.from(plain.subarray(records[1]?.offset, (records[1]?.offset ?? 0) + 6)).toString()).toBe(
      'second',
    );
  });

  it.each([
    [
      'a compressed record',
      patched({ signature: entry, at: 10, bits: 16, value: 8 }),
      'WeightsUnsupported',
      'is compressed',
    ],
    [
      'an encrypted record',
      patched({ signature: entry, at: 8, bits: 16, value: 1 }),
      'WeightsUnsupported',
      'is encrypted',
    ],
    [
      'a method only the local header tells',
      patched({ signature: local, at: 8, bits: 16, value: 8 }),
      'WeightsCorrupt',
      'according to its local header',
    ],
    [
      'two sizes for stored bytes',
      patched({ signature: entry, at: 20, bits: 32, value: 4 }),
      'WeightsCorrupt',
      'has two sizes',
    ],
    [
      'another size in the local header',
      patched({ signature: local, at: 18, bits: 32, value: 4 }),
      'WeightsCorrupt',
      'another size',
    ],
    [
      'another name in the local header',
      patched({ signature: local, at: 30, bits: 16, value: 0x2f62 }),
      'WeightsCorrupt',
      'another name',
    ],
    [
      'records over each other',
      patched({ signature: entry, occurrence: 1, at: 42, bits: 32, value: 0 }),
      'WeightsCorrupt',
      'overlaps another',
    ],
    [
      'an offset outside the file',
      patched({ signature: entry, at: 42, bits: 32, value: 0x7fffffff }),
      'WeightsCorrupt',
      'announces',
    ],
    [
      'a count that is too high',
      patched({ signature: end, at: 10, bits: 16, value: 3 }),
      'WeightsCorrupt',
      'in two ways',
    ],
    [
      'a directory elsewhere',
      patched({ signature: end, at: 16, bits: 32, value: 0 }),
      'WeightsCorrupt',
      'does not end where',
    ],
    [
      'several volumes',
      patched({ signature: end, at: 4, bits: 16, value: 1 }),
      'WeightsUnsupported',
      'several volumes',
    ],
    ['a missing end', plain.subarray(0, -10), 'WeightsCorrupt', 'no end record'],
    ['something behind the end', concat(plain, 'tail'), 'WeightsCorrupt', 'no end record'],
    ['something before the start', concat('head', plain), 'WeightsCorrupt', 'does not end where'],
    ['a record that leaves its folder', zipOf({ 'a/../../x': 'x' }), 'WeightsCorrupt', 'record name'],
    ['an absolute record', zipOf({ '/x': 'x' }), 'WeightsCorrupt', 'record name'],
    ['a record with a backslash', zipOf({ 'a\\b/c': 'x' }), 'WeightsCorrupt', 'record name'],
  ])('refuses %s', async (_, bytes, name, problem) => {
    const failure = await failureOf(read(bytes));

    expect(failure).toMatch(new RegExp(`^${name}: `));
    expect(failure).toContain(problem);
  });

  it('refuses a name that comes twice', async () => {
    const twice = zipOf({ 'a/one': 'first', 'a/eno': 'second' });
    Buffer.from(twice.buffer).set(Buffer.from('a/one'), Buffer.from(twice).lastIndexOf('a/eno'));

    expect(await failureOf(read(twice))).toContain('has the record a/one twice');
  });

  it('reads back its own ZIP64 archive of records beyond 4 GiB', async () => {
    const large = 5 * 2 ** 30;
    const piece = { kind: 'range', file: '/none', offset: 0, bytes: large } as const;
    const plan = planZip([
      { name: 'a/large', content: { piece, bytes: large } },
      { name: 'a/after', content: new Uint8Array([1, 2, 3]) },
    ]);

    const records = await readZipRecords(sourceOfPieces(plan.pieces, plan.bytes));

    expect(records.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a/large', large],
      ['a/after', 3],
    ]);
    expect(records[1]?.offset).toBeGreaterThan(large);
  });
});

/** Zeros for ranges, real bytes for the rest, so that gigabytes need no memory. */
function sourceOfPieces(pieces: ReturnType<typeof planZip>['pieces'], bytes: number): ByteSource {
  let at = 0;
  const literals: { at: number; bytes: Uint8Array }[] = [];
  for (const piece of pieces) {
    const content = piece.kind === 'bytes' ? Buffer.from(piece.base64, 'base64') : undefined;
    if (content !== undefined) literals.push({ at, bytes: content });
    at += content?.length ?? (piece.kind === 'range' ? piece.bytes : 0);
  }
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const result = new Uint8Array(length);
    for (const literal of literals) {
      for (let i = 0; i < literal.bytes.length; i += 1) {
        const target = literal.at + i - offset;
        if (target >= 0 && target < length) result[target] = literal.bytes[i] ?? 0;
      }
    }
    return result;
  };
  return { file: '/x.bin', bytes, read };
}

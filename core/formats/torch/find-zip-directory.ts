import { ByteCursor } from '../byte-cursor.ts';
import { corruptAt, readRange, unsupportedAt, type ByteSource } from '../byte-source.ts';

export interface ZipDirectory {
  readonly offset: number;
  readonly bytes: number;
  readonly entries: number;
}

interface End extends ZipDirectory {
  /** Where the directory must end. */
  readonly at: number;
}

const endSignature = 0x06054b50;
const wideEndSignature = 0x06064b50;
const locatorSignature = 0x07064b50;
const endBytes = 22;
const locatorBytes = 20;
const wideEndBytes = 56;
const maxCommentBytes = 0xffff;
// A record's directory entry takes about 80 bytes; two hundred thousand storages stay below.
const maxDirectoryBytes = 24_000_000;

/** Finds the central directory by the end records of an archive (APPNOTE 4.3.14–4.3.16). Throws WeightsCorrupt. */
export async function findZipDirectory(source: ByteSource): Promise<ZipDirectory> {
  const tailBytes = Math.min(source.bytes, endBytes + maxCommentBytes);
  const tailAt = source.bytes - tailBytes;
  const tail = await readRange(source, tailAt, tailBytes);
  const found = findEnd(tail);
  if (found === undefined)
    throw corruptAt(source.file, source.bytes, 'the zip archive has no end record; it may be truncated');
  const narrow = readEnd(tail.subarray(found, found + endBytes), { file: source.file, base: tailAt + found });
  const wide = await readWideEnd(source, narrow.at);
  if (wide !== undefined && !agrees(narrow, wide))
    throw corruptAt(source.file, narrow.at, 'the two end records of the archive tell of two directories');
  const end = wide ?? narrow;
  if (end.bytes > maxDirectoryBytes)
    throw corruptAt(source.file, end.at, `the archive directory has ${end.bytes} bytes`);
  if (end.offset + end.bytes !== end.at)
    throw corruptAt(source.file, end.at, 'the archive directory does not end where its end record begins');
  return end;
}

/** A narrow field is the wide one, or full because it does not hold it. */
function agrees(narrow: ZipDirectory, wide: ZipDirectory): boolean {
  const same = (field: keyof ZipDirectory, full: number) => [wide[field], full].includes(narrow[field]);
  return same('entries', 0xffff) && same('bytes', 0xffffffff) && same('offset', 0xffffffff);
}

/** The end record's comment must reach exactly to the end of the file, so nothing can hide behind it. */
function findEnd(tail: Uint8Array): number | undefined {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    const fits =
      view.getUint32(at, true) === endSignature &&
      at + endBytes + view.getUint16(at + 20, true) === tail.length;
    if (fits) return at;
  }
  return undefined;
}

function readEnd(bytes: Uint8Array, place: { file: string; base: number }): End {
  const cursor = new ByteCursor(bytes, place);
  cursor.take(4);
  checkVolumes([cursor.u16(), cursor.u16()], place);
  const onThisVolume = cursor.u16();
  const entries = cursor.u16();
  if (entries !== onThisVolume)
    throw corruptAt(place.file, place.base, 'the end record counts its records in two ways');
  return { entries, bytes: cursor.u32(), offset: cursor.u32(), at: place.base };
}

/** torch always writes the ZIP64 records, even for small archives; they then hold the true numbers. */
async function readWideEnd(source: ByteSource, endAt: number): Promise<End | undefined> {
  const locatorAt = endAt - locatorBytes;
  if (locatorAt < 0) return undefined;
  const locator = new ByteCursor(await readRange(source, locatorAt, locatorBytes), {
    file: source.file,
    base: locatorAt,
  });
  if (locator.u32() !== locatorSignature) return undefined;
  locator.take(4);
  const at = locator.u64();
  if (at + wideEndBytes !== locatorAt)
    throw corruptAt(source.file, locatorAt, 'the ZIP64 end record is not where it must be');
  const place = { file: source.file, base: at };
  const cursor = new ByteCursor(await readRange(source, at, wideEndBytes), place);
  if (cursor.u32() !== wideEndSignature)
    throw corruptAt(source.file, at, 'no ZIP64 end record where one must be');
  cursor.take(12); // size of this record, versions
  checkVolumes([cursor.u32(), cursor.u32()], place);
  const onThisVolume = cursor.u64();
  const entries = cursor.u64();
  if (entries !== onThisVolume)
    throw corruptAt(source.file, at, 'the ZIP64 end record counts its records in two ways');
  return { entries, bytes: cursor.u64(), offset: cursor.u64(), at };
}

function checkVolumes(volumes: readonly number[], place: { file: string; base: number }): void {
  if (volumes.some((volume) => volume !== 0)) {
    throw unsupportedAt(
      { file: place.file, offset: place.base },
      'the archive is split over several volumes',
    );
  }
}

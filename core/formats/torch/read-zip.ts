import { ByteCursor } from '../byte-cursor.ts';
import { corruptAt, readRange, unsupportedAt, type ByteSource } from '../byte-source.ts';
import { findZipDirectory } from './find-zip-directory.ts';
import { windowedSource } from './windowed-source.ts';

/** One stored record of an archive; offsets and sizes in bytes from the start of the file. */
export interface ZipRecord {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** As the directory tells it; writers may leave it 0. */
  readonly crc32: number;
}

interface DirectoryEntry {
  readonly name: string;
  readonly headerOffset: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly sizesFollowData: boolean;
}

const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const localFixedBytes = 30;
const flagEncrypted = 1 << 0;
const flagSizesFollowData = 1 << 3;

/**
 * Lists the records of a zip archive (PKWARE APPNOTE 6.3.10) through its central directory. Only what torch writes is
 * taken: stored records under plain relative names, each once, none overlapping another. Compressed records are
 * WeightsUnsupported; everything inconsistent is WeightsCorrupt.
 */
export async function readZipRecords(source: ByteSource): Promise<ZipRecord[]> {
  const directory = await findZipDirectory(source);
  const bytes = await readRange(source, directory.offset, directory.bytes);
  const cursor = new ByteCursor(bytes, { file: source.file, base: directory.offset });
  const entries: DirectoryEntry[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < directory.entries; index += 1) {
    const at = cursor.offset;
    const entry = readEntry(cursor);
    if (seen.has(entry.name)) throw corruptAt(source.file, at, `has the record ${entry.name} twice`);
    seen.add(entry.name);
    entries.push(entry);
  }
  if (cursor.remaining > 0) throw corruptAt(source.file, cursor.offset, 'the archive directory has a rest');
  return locate(windowedSource(source), entries, directory.offset);
}

function readEntry(cursor: ByteCursor): DirectoryEntry {
  const at = cursor.offset;
  const place = { file: cursor.file, offset: at };
  if (cursor.u32() !== entrySignature)
    throw corruptAt(cursor.file, at, 'no directory entry where one must be');
  cursor.take(4); // version made by, version needed
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.take(4); // time, date
  const crc32 = cursor.u32();
  const stored = cursor.u32();
  const size = cursor.u32();
  const nameBytes = cursor.u16();
  const extraBytes = cursor.u16();
  const commentBytes = cursor.u16();
  const disk = cursor.u16();
  cursor.take(6); // attributes
  const header = cursor.u32();
  const name = checkName(cursor.text(nameBytes), place);
  const extra = new ByteCursor(cursor.take(extraBytes), { file: cursor.file, base: at });
  cursor.take(commentBytes);
  if ((flags & flagEncrypted) !== 0) throw unsupportedAt(place, `record ${name} is encrypted`);
  if (method !== 0)
    throw unsupportedAt(place, `record ${name} is compressed; torch writes stored records only`);
  if (disk !== 0) throw unsupportedAt(place, `record ${name} is on another volume`);
  const [bytes, storedBytes, headerOffset] = widen(extra, [size, stored, header]);
  if (bytes !== storedBytes) throw corruptAt(cursor.file, at, `record ${name} is stored but has two sizes`);
  return { name, headerOffset, bytes, crc32, sizesFollowData: (flags & flagSizesFollowData) !== 0 };
}

/** Fields of 0xFFFFFFFF stand in the ZIP64 extra field 0x0001 instead, in this order (APPNOTE 4.5.3). */
function widen(
  extra: ByteCursor,
  fields: readonly [number, number, number],
): readonly [number, number, number] {
  let wide: ByteCursor | undefined;
  while (extra.remaining >= 4) {
    const id = extra.u16();
    const base = extra.offset;
    const body = extra.take(extra.u16());
    if (id === 0x0001) wide ??= new ByteCursor(body, { file: extra.file, base });
  }
  const [size, stored, offset] = fields.map((field) => {
    if (field !== 0xffffffff) return field;
    if (wide === undefined) throw corruptAt(extra.file, extra.offset, 'a ZIP64 record lacks its sizes');
    return wide.u64();
  });
  return [size ?? 0, stored ?? 0, offset ?? 0];
}

function checkName(name: string, place: { file: string; offset: number }): string {
  const parts = name.split('/');
  const plain =
    parts.length >= 2 &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..') &&
    !/[\\\0:]/.test(name);
  if (!plain)
    throw corruptAt(place.file, place.offset, `has the record name ${JSON.stringify(name.slice(0, 200))}`);
  return name;
}

/** Finds each record's data behind its local header and proves that no byte belongs to two records. */
async function locate(
  source: ByteSource,
  entries: readonly DirectoryEntry[],
  end: number,
): Promise<ZipRecord[]> {
  const records: ZipRecord[] = [];
  let free = 0;
  for (const entry of entries.toSorted((a, b) => a.headerOffset - b.headerOffset)) {
    if (entry.headerOffset < free)
      throw corruptAt(source.file, entry.headerOffset, `record ${entry.name} overlaps another`);
    const offset = await readLocalHeader(source, entry);
    free = offset + entry.bytes;
    if (!Number.isSafeInteger(free) || free > end) {
      throw corruptAt(source.file, offset, `record ${entry.name} reaches beyond the data of the archive`);
    }
    records.push({ name: entry.name, offset, bytes: entry.bytes, crc32: entry.crc32 });
  }
  return records;
}

/** Directory and local header must agree, or two readers would see two different files. */
async function readLocalHeader(source: ByteSource, entry: DirectoryEntry): Promise<number> {
  const nameBytes = new TextEncoder().encode(entry.name).length;
  const at = entry.headerOffset;
  const cursor = new ByteCursor(await readRange(source, at, localFixedBytes + nameBytes), {
    file: source.file,
    base: at,
  });
  if (cursor.u32() !== localSignature)
    throw corruptAt(source.file, at, `record ${entry.name} has no local header`);
  cursor.take(4); // version, flags
  const method = cursor.u16();
  cursor.take(4); // time, date
  const sum = cursor.u32();
  const sizes = [cursor.u32(), cursor.u32()];
  const localNameBytes = cursor.u16();
  const extraBytes = cursor.u16();
  if (localNameBytes !== nameBytes || cursor.text(nameBytes) !== entry.name) {
    throw corruptAt(source.file, at, `record ${entry.name} has another name in its local header`);
  }
  if (method !== 0)
    throw corruptAt(source.file, at, `record ${entry.name} is compressed according to its local header`);
  // 0 where the writer did not know it yet, or never says.
  if (sum !== 0 && sum !== entry.crc32)
    throw corruptAt(source.file, at, `record ${entry.name} has another CRC-32 in its local header`);
  const told = sizes.every((size) => size === entry.bytes || size === 0xffffffff);
  if (!told && !entry.sizesFollowData) {
    throw corruptAt(source.file, at, `record ${entry.name} has another size in its local header`);
  }
  return at + localFixedBytes + nameBytes + extraBytes;
}

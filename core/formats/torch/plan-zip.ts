import type { Piece } from '../../domain/weights-plan.ts';
import { ByteWriter } from '../byte-writer.ts';
import { bytesPiece, type TensorPiece } from '../pieces.ts';
import { crc32 } from './crc32.ts';

/** A stored record: bytes at hand, or a piece of known size whose CRC-32 is known once it was written. */
export interface ZipSource {
  readonly name: string;
  readonly content: Uint8Array | { readonly piece: TensorPiece; readonly bytes: number };
}

export interface ZipPlan {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
}

interface Placed extends ZipSource {
  readonly headerOffset: number;
  readonly header: Uint8Array;
  readonly bytes: number;
  readonly crc: number;
  /** Follows the content where the CRC-32 was not known before. */
  readonly descriptor: Uint8Array;
}

// torch maps storages into memory; 64 is the alignment its own writer gives (caffe2/serialize/inline_container.h).
const alignment = 64;
const crcInDescriptor = 4;
const crcInDirectoryEntry = 16;
const sumsFollow = 1 << 3;
const wide = 0xffffffff;
// A fixed time, 1980-01-01 00:00, so that equal weights give equal files.
const dosTime = 0;
const dosDate = (1 << 5) | 1;

/**
 * A zip archive of stored records (APPNOTE 6.3.10), each aligned; ZIP64 fields only where a number needs them. The CRC-32
 * of a piece follows it in a data descriptor, as in files of torch's own: an archive can be written from front to back.
 */
export function planZip(sources: readonly ZipSource[]): ZipPlan {
  const placed: Placed[] = [];
  let end = 0;
  for (const source of sources) {
    const record = place(source, end);
    placed.push(record);
    end += record.header.length + record.bytes + record.descriptor.length;
  }
  const directory = writeDirectory(placed);
  const closing = writeEnd({ records: placed.length, offset: end, bytes: directory.bytes.length });
  const pieces = placed.flatMap((record, index) => piecesOf(record, end + (directory.starts[index] ?? 0)));
  pieces.push(bytesPiece(directory.bytes), bytesPiece(closing));
  return { pieces, bytes: end + directory.bytes.length + closing.length };
}

function place(source: ZipSource, headerOffset: number): Placed {
  const { name, content } = source;
  const atHand = content instanceof Uint8Array;
  const bytes = atHand ? content.length : content.bytes;
  const crc = atHand ? crc32(content) : 0;
  const follows = !atHand && bytes > 0;
  const header = writeLocalHeader({ name, headerOffset, bytes, crc, follows });
  const descriptor = follows ? writeDescriptor(bytes) : new Uint8Array();
  return { ...source, headerOffset, bytes, crc, header, descriptor };
}

function piecesOf(record: Placed, entryOffset: number): Piece[] {
  const header = bytesPiece(record.header);
  if (record.bytes === 0) return [header];
  if (record.content instanceof Uint8Array) return [header, bytesPiece(record.content)];
  const end = record.headerOffset + record.header.length + record.bytes;
  const crc32At = [end + crcInDescriptor, entryOffset + crcInDirectoryEntry];
  return [header, { ...record.content.piece, crc32At }, bytesPiece(record.descriptor)];
}

interface LocalHeader extends Pick<Placed, 'name' | 'headerOffset' | 'bytes' | 'crc'> {
  /** CRC-32 and sizes are zero here and stand in the descriptor. */
  readonly follows: boolean;
}

function writeLocalHeader({ name: text, headerOffset, bytes, crc, follows }: LocalHeader): Uint8Array {
  const isWide = bytes >= wide;
  const told = follows ? 0 : bytes;
  const name = new TextEncoder().encode(text);
  const extra = new ByteWriter();
  // With it the sizes of a descriptor have 8 bytes, even though both are zero here.
  if (isWide) extra.u16(0x0001).u16(16).u64(told).u64(told);
  const unpadded = headerOffset + 30 + name.length + extra.length + 4;
  const padding = (alignment - (unpadded % alignment)) % alignment;
  // Field "FB" filled with Z is how torch pads, so other tools have met it before.
  extra.text('FB').u16(padding).text('Z'.repeat(padding));
  const size = isWide ? wide : told;
  return new ByteWriter()
    .u32(0x04034b50)
    .u16(isWide ? 45 : 20)
    .u16(follows ? sumsFollow : 0)
    .u16(0)
    .u16(dosTime)
    .u16(dosDate)
    .u32(crc)
    .u32(size)
    .u32(size)
    .u16(name.length)
    .u16(extra.length)
    .bytes(name)
    .bytes(extra.toBytes())
    .toBytes();
}

/** The four bytes after the signature receive the CRC-32. */
function writeDescriptor(bytes: number): Uint8Array {
  const writer = new ByteWriter().u32(0x08074b50).u32(0);
  return (bytes >= wide ? writer.u64(bytes).u64(bytes) : writer.u32(bytes).u32(bytes)).toBytes();
}

function writeDirectory(records: readonly Placed[]): { bytes: Uint8Array; starts: readonly number[] } {
  const writer = new ByteWriter();
  const starts: number[] = [];
  for (const record of records) {
    starts.push(writer.length);
    writeEntry(writer, record);
  }
  return { bytes: writer.toBytes(), starts };
}

function writeEntry(writer: ByteWriter, record: Placed): void {
  const name = new TextEncoder().encode(record.name);
  const wideFields = new ByteWriter();
  if (record.bytes >= wide) wideFields.u64(record.bytes).u64(record.bytes);
  if (record.headerOffset >= wide) wideFields.u64(record.headerOffset);
  const extra = new ByteWriter();
  if (wideFields.length > 0) extra.u16(0x0001).u16(wideFields.length).bytes(wideFields.toBytes());
  const version = wideFields.length > 0 ? 45 : 20;
  const size = Math.min(record.bytes, wide);
  const flags = record.descriptor.length > 0 ? sumsFollow : 0;
  writer.u32(0x02014b50).u16(version).u16(version).u16(flags).u16(0).u16(dosTime).u16(dosDate);
  writer.u32(record.crc).u32(size).u32(size).u16(name.length).u16(extra.length).u16(0).u16(0).u16(0).u32(0);
  writer.u32(Math.min(record.headerOffset, wide)).bytes(name).bytes(extra.toBytes());
}

function writeEnd(directory: { records: number; offset: number; bytes: number }): Uint8Array {
  const { records, offset, bytes } = directory;
  const writer = new ByteWriter();
  if (records >= 0xffff || offset >= wide || bytes >= wide) {
    writer
      .u32(0x06064b50)
      .u64(44)
      .u16(45)
      .u16(45)
      .u32(0)
      .u32(0)
      .u64(records)
      .u64(records)
      .u64(bytes)
      .u64(offset);
    writer
      .u32(0x07064b50)
      .u32(0)
      .u64(offset + bytes)
      .u32(1);
  }
  const count = Math.min(records, 0xffff);
  writer
    .u32(0x06054b50)
    .u16(0)
    .u16(0)
    .u16(count)
    .u16(count)
    .u32(Math.min(bytes, wide))
    .u32(Math.min(offset, wide))
    .u16(0);
  return writer.toBytes();
}

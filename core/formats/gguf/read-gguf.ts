import { type ByteSource, corruptAt, readRange, unsupportedAt } from '../byte-source.ts';
import { HeaderReader, isHeaderLonger } from './header-reader.ts';
import { ggufMagic, type PlacedTensor } from './layout.ts';
import { type GgufMetadata, type GgufValue, ggufValueTypeOf } from './metadata.ts';
import { ggufTensorBytes, ggufTensorTypeOf } from './tensor-types.ts';

export interface GgufFile {
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** In file order, offsets from the start of the file. */
  readonly tensors: readonly PlacedTensor[];
  /** Where the tensors' bytes begin. */
  readonly dataOffset: number;
}

// Most headers are a few MiB of vocabulary; longer ones are read again with twice the length.
const firstRead = 1 << 22;
// No vocabulary comes near this; beyond it the header is an attack on memory.
const longestHeader = 1 << 26;
// Models have a few thousand tensors and a few dozen metadata entries.
const mostEntries = 100_000;
// ggml's own limits: GGML_MAX_DIMS and GGML_MAX_NAME (ggml-org/ggml include/ggml.h).
const mostDimensions = 4;
const longestName = 64;

/**
 * Reads header, metadata and tensor table of a little-endian GGUF file, version 2 or 3, and checks every length
 * against the real file: ranges inside the file, aligned, not overlapping; names unique. The tensors' bytes are not
 * read. Throws WeightsCorrupt, or WeightsUnsupported for another version, byte order or tensor type.
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  for (let length = firstRead; ; length *= 2) {
    const prefix = await readRange(source, 0, Math.min(length, source.bytes));
    try {
      return parseGguf(prefix, source);
    } catch (error) {
      if (!isHeaderLonger(error)) throw error;
      if (length >= longestHeader)
        throw corruptAt(source.file, 0, `has a header longer than ${longestHeader} bytes`);
    }
  }
}

function parseGguf(prefix: Uint8Array, source: ByteSource): GgufFile {
  const reader = new HeaderReader(prefix, source);
  const version = readVersion(reader);
  // A tensor entry has at least 24 bytes and a metadata entry 13: more of them than fit are a lie.
  const tensorCount = reader.count(24, mostEntries);
  const entryCount = reader.count(13, mostEntries);
  const metadata = readMetadata(reader, entryCount);
  const alignment = alignmentOf(metadata, reader);
  const entries = Array.from({ length: tensorCount }, () => readTensorEntry(reader));
  const dataOffset = Math.ceil(reader.offset / alignment) * alignment;
  const tensors = entries.map((entry) => ({ ...entry, offset: entry.offset + dataOffset }));
  checkTensors(tensors, alignment, source);
  return { version, metadata, tensors, dataOffset };
}

function readVersion(reader: HeaderReader): number {
  if (reader.ascii(4) !== ggufMagic) throw reader.corrupt('does not begin with GGUF');
  const version = reader.u32();
  if (version === 2 || version === 3) return version;
  const problem =
    version > 0xffff ? 'is a big-endian GGUF file' : `is GGUF version ${version}; versions 2 and 3 are read`;
  throw unsupportedAt({ file: reader.file, offset: 4 }, problem);
}

function readMetadata(reader: HeaderReader, count: number): GgufMetadata {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < count; index += 1) {
    const key = reader.name();
    if (metadata.has(key)) throw reader.corrupt(`has the metadata key ${JSON.stringify(key)} twice`);
    metadata.set(key, reader.value(valueType(reader)));
  }
  return metadata;
}

function valueType(reader: HeaderReader) {
  const number = reader.u32();
  const type = ggufValueTypeOf(number);
  if (type === undefined) throw reader.corrupt(`has the unknown metadata type ${number}`);
  return type;
}

function alignmentOf(metadata: GgufMetadata, reader: HeaderReader): number {
  const value = metadata.get('general.alignment');
  if (value === undefined) return 32;
  const alignment = value.type === 'u32' ? value.value : 0;
  if (alignment < 8 || alignment % 8 !== 0) throw reader.corrupt('has an alignment that is no multiple of 8');
  return alignment;
}

function readTensorEntry(reader: HeaderReader): PlacedTensor {
  const name = reader.name();
  // `name` counts with its terminating zero in ggml.
  if (name.length >= longestName)
    throw reader.corrupt(`has a tensor name longer than ${longestName - 1} characters`);
  const dimensions = reader.u32();
  if (dimensions > mostDimensions) throw reader.corrupt(`gives tensor ${name} ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => reader.u64()).toReversed();
  const number = reader.u32();
  const type = ggufTensorTypeOf(number);
  if (type === undefined) throw unsupportedAt(reader, `tensor ${name} has the unknown type ${number}`);
  const bytes = ggufTensorBytes(type, shape);
  if (bytes === undefined)
    throw reader.corrupt(`tensor ${name} of shape [${shape.join(', ')}] cannot be ${type}`);
  return { name, type, shape, offset: reader.u64(), bytes };
}

function checkTensors(tensors: readonly PlacedTensor[], alignment: number, source: ByteSource): void {
  const names = new Set<string>();
  let end = 0;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const { name, offset, bytes } = tensor;
    if (names.has(name)) throw corruptAt(source.file, offset, `has the tensor ${name} twice`);
    if (offset % alignment !== 0)
      throw corruptAt(source.file, offset, `tensor ${name} is not aligned to ${alignment}`);
    if (offset < end) throw corruptAt(source.file, offset, `tensor ${name} overlaps the one before it`);
    if (offset + bytes > source.bytes) {
      throw corruptAt(
        source.file,
        offset,
        `tensor ${name} of ${bytes} bytes ends beyond the file's ${source.bytes}`,
      );
    }
    names.add(name);
    end = offset + bytes;
  }
}

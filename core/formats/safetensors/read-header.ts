import type { BuildFailure } from '../../domain/failures.ts';
import { corruptAt, readRange, type ByteSource } from '../byte-source.ts';
import { decodeUtf8 } from '../byte-cursor.ts';
import { JsonSyntaxError, parseStrictJson, type StrictJson, type StrictJsonObject } from '../strict-json.ts';
import { countBytes, isTensorDtype, type TensorSpec } from '../tensor.ts';

/** The reference implementation's limit on the JSON header, bytes. */
const maxHeaderBytes = 100_000_000;
const prefixBytes = 8;

export interface StoredTensor extends TensorSpec {
  readonly bytes: number;
  /** From the start of the file. */
  readonly offset: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly StoredTensor[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks the header of a safetensors file (format: huggingface/safetensors README, "Format"): u64 length,
 * JSON, data without hole, overlap or rest. Stricter than the reference in two points: a key may occur only once, and
 * the JSON must begin with `{`, as the format says. Throws WeightsCorrupt with the offset.
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const prefix = await readRange(source, 0, prefixBytes);
  const announced = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (announced > BigInt(maxHeaderBytes)) {
    throw corruptAt(source.file, 0, `announces a header of ${announced} bytes, more than ${maxHeaderBytes}`);
  }
  const header = await readRange(source, prefixBytes, Number(announced));
  const { members, failAt } = parseHeader(header, source.file);
  const dataStart = prefixBytes + header.length;
  const metadata = readMetadata(members.get('__metadata__'), failAt);
  const tensors = [...members]
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readEntry(name, entry, { failAt, dataStart }))
    .sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  checkCoverage(tensors, source, dataStart);
  return { tensors, metadata };
}

/** WeightsCorrupt at a member's own place in the file. */
type FailAt = (member: string, problem: string) => BuildFailure;

interface ParsedHeader {
  readonly members: StrictJsonObject;
  readonly failAt: FailAt;
}

function parseHeader(header: Uint8Array, file: string): ParsedHeader {
  if (header[0] !== 0x7b) throw corruptAt(file, prefixBytes, 'the header does not begin with {');
  const text = decodeUtf8(header, { file, offset: prefixBytes });
  const places = new Map<string, number>();
  const failAt: FailAt = (member, problem) =>
    corruptAt(file, prefixBytes + byteLength(text, places.get(member) ?? 0), problem);
  try {
    const members = parseStrictJson(text, (key, offset) => places.set(key, offset));
    if (members instanceof Map) return { members, failAt };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw corruptAt(file, prefixBytes + byteLength(text, error.offset), `the header ${error.message}`);
  }
  throw corruptAt(file, prefixBytes, 'the header is no JSON object');
}

function byteLength(text: string, units: number): number {
  return new TextEncoder().encode(text.slice(0, units)).length;
}

function readMetadata(value: StrictJson | undefined, failAt: FailAt): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) throw failAt('__metadata__', '__metadata__ is no JSON object');
  for (const [key, text] of value) {
    if (typeof text !== 'string')
      throw failAt('__metadata__', `__metadata__ has a value that is no string at ${key.slice(0, 200)}`);
    metadata.set(key, text);
  }
  return metadata;
}

interface DataPlace {
  readonly failAt: FailAt;
  readonly dataStart: number;
}

function readEntry(name: string, entry: StrictJson, place: DataPlace): StoredTensor {
  const fail = (problem: string) => place.failAt(name, `tensor ${name.slice(0, 200)} ${problem}`);
  if (!(entry instanceof Map)) throw fail('has no JSON object');
  for (const key of entry.keys()) {
    if (!['dtype', 'shape', 'data_offsets'].includes(key))
      throw fail(`has the unknown field ${key.slice(0, 200)}`);
  }
  const dtype = entry.get('dtype');
  if (typeof dtype !== 'string' || !isTensorDtype(dtype))
    throw fail(`has the unknown dtype ${JSON.stringify(dtype)}`);
  const shape = readSizes(entry.get('shape'));
  if (shape === undefined) throw fail('has a shape that is no list of sizes');
  const range = readOffsets(entry.get('data_offsets'));
  if (range === undefined) throw fail('needs data_offsets of the form [begin, end]');
  const bytes = countBytes(dtype, shape);
  if (bytes === undefined) throw fail(`has the impossible shape [${shape.join(', ')}] for ${dtype}`);
  if (bytes !== range.bytes)
    throw fail(`needs ${bytes} bytes for ${dtype} [${shape.join(', ')}], its range has ${range.bytes}`);
  return { name, dtype, shape, bytes, offset: place.dataStart + range.begin };
}

function readOffsets(value: StrictJson | undefined): { begin: number; bytes: number } | undefined {
  const [begin, end, ...rest] = readSizes(value) ?? [];
  if (begin === undefined || end === undefined || rest.length > 0 || begin > end) return undefined;
  return { begin, bytes: end - begin };
}

function readSizes(value: StrictJson | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const sizes = value.filter((size): size is number => typeof size === 'number' && size >= 0);
  return sizes.length === value.length ? sizes : undefined;
}

/** Every byte of the data belongs to exactly one tensor: nothing hidden, nothing shared, nothing missing. */
function checkCoverage(tensors: readonly StoredTensor[], source: ByteSource, dataStart: number): void {
  let end = dataStart;
  for (const { name, offset, bytes } of tensors) {
    if (offset < end) throw corruptAt(source.file, offset, `tensor ${name} overlaps the one before it`);
    if (offset > end)
      throw corruptAt(source.file, end, `${offset - end} bytes before tensor ${name} belong to no tensor`);
    end = offset + bytes;
  }
  if (end > source.bytes)
    throw corruptAt(source.file, source.bytes, `ends early: its tensors need ${end} bytes`);
  if (end < source.bytes)
    throw corruptAt(source.file, end, `${source.bytes - end} bytes follow the last tensor`);
}

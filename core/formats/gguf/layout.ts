import { BuildFailure } from '../../domain/failures.ts';
import { type GgufEntry, type GgufValue, ggufValueTypes } from './metadata.ts';
import { type GgufTensorType, ggufTensorBytes, ggufTensorTypes } from './tensor-types.ts';

/** The value every reader assumes when `general.alignment` is absent. */
export const ggufAlignment = 32;
export const ggufVersion = 3;
export const ggufMagic = 'GGUF';

/** `shape` is row-major, as in the source; GGUF stores it reversed. */
export interface GgufTensorSpec {
  readonly name: string;
  readonly type: GgufTensorType;
  readonly shape: readonly number[];
}

export interface PlacedTensor extends GgufTensorSpec {
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where everything of a GGUF file lies, known before its first byte is written. All sizes are bytes. */
export interface GgufLayout {
  /** Header, metadata and tensor table, padded to the alignment. */
  readonly header: Uint8Array;
  readonly tensors: readonly PlacedTensor[];
  /** Of the whole file, padding after the last tensor included. */
  readonly bytes: number;
}

/**
 * Lays out a little-endian GGUF version 3 file (ggml-org/ggml docs/gguf.md). Tensors follow each other in the order
 * given, each padded to 32 bytes. A shape its type cannot hold is WeightsUnsupported.
 */
export function layOutGguf(metadata: readonly GgufEntry[], tensors: readonly GgufTensorSpec[]): GgufLayout {
  const writer = new HeaderWriter();
  writer.ascii(ggufMagic);
  writer.u32(ggufVersion);
  writer.u64(tensors.length);
  writer.u64(metadata.length);
  for (const [key, value] of metadata) {
    writer.string(key);
    writer.u32(ggufValueTypes[value.type]);
    writer.value(value);
  }
  let dataBytes = 0;
  const sizes: number[] = [];
  for (const tensor of tensors) {
    const bytes = sizeOf(tensor);
    writer.string(tensor.name);
    writer.u32(tensor.shape.length);
    for (const size of tensor.shape.toReversed()) writer.u64(size);
    writer.u32(ggufTensorTypes[tensor.type].number);
    writer.u64(dataBytes);
    sizes.push(bytes);
    dataBytes += padded(bytes);
  }
  const header = writer.finish();
  return { header, tensors: place(tensors, sizes, header.length), bytes: header.length + dataBytes };
}

/** Rounds a size or offset up to the alignment. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / ggufAlignment) * ggufAlignment;
}

function sizeOf(tensor: GgufTensorSpec): number {
  const bytes = ggufTensorBytes(tensor.type, tensor.shape);
  if (bytes !== undefined) return bytes;
  throw new BuildFailure('WeightsUnsupported', `tensor ${tensor.name} of shape [${tensor.shape.join(', ')}] cannot be stored as ${tensor.type}`);
}

function place(tensors: readonly GgufTensorSpec[], sizes: readonly number[], start: number): PlacedTensor[] {
  let offset = start;
  return tensors.map((tensor, index) => {
    const bytes = sizes[index] ?? 0;
    const placed = { ...tensor, offset, bytes };
    offset += padded(bytes);
    return placed;
  });
}

/** Collects little-endian fields in one growing buffer: vocabularies have some hundred thousand of them. */
class HeaderWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #encoder = new TextEncoder();

  ascii(value: string): void {
    const bytes = this.#encoder.encode(value);
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  u32(value: number): void {
    this.#view.setUint32(this.#advance(4), value, true);
  }

  u64(value: number): void {
    this.#view.setBigUint64(this.#advance(8), BigInt(value), true);
  }

  string(value: string): void {
    const bytes = this.#encoder.encode(value);
    this.u64(bytes.length);
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  value(value: GgufValue): void {
    if (value.type === 'array') {
      this.u32(ggufValueTypes[value.of]);
      this.u64(value.value.length);
      for (const item of value.value) this.#item(value.of, item);
    } else {
      this.#item(value.type, value.value);
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, padded(this.#at));
  }

  #item(type: Exclude<GgufValue['type'], 'array'>, value: number | bigint | boolean | string): void {
    if (type === 'string') this.string(String(value));
    else this.#number(type, typeof value === 'bigint' ? value : Number(value));
  }

  // One line a type keeps the table readable; splitting it would only hide the exhaustiveness.
  // oxlint-disable-next-line complexity
  #number(type: Exclude<GgufValue['type'], 'array' | 'string'>, value: number | bigint): void {
    const at = this.#advance(numberBytes[type]);
    const number = Number(value);
    switch (type) {
      case 'u8':
      case 'bool':
        return this.#view.setUint8(at, number);
      case 'i8':
        return this.#view.setInt8(at, number);
      case 'u16':
        return this.#view.setUint16(at, number, true);
      case 'i16':
        return this.#view.setInt16(at, number, true);
      case 'u32':
        return this.#view.setUint32(at, number, true);
      case 'i32':
        return this.#view.setInt32(at, number, true);
      case 'f32':
        return this.#view.setFloat32(at, number, true);
      case 'f64':
        return this.#view.setFloat64(at, number, true);
      case 'u64':
        return this.#view.setBigUint64(at, BigInt(value), true);
      case 'i64':
        return this.#view.setBigInt64(at, BigInt(value), true);
      default:
        return type satisfies never;
    }
  }

  #advance(length: number): number {
    const from = this.#at;
    this.#at += length;
    // The padding of the header must lie inside the buffer too.
    if (padded(this.#at) > this.#bytes.length) this.#grow(padded(this.#at));
    return from;
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

const numberBytes = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 } as const;

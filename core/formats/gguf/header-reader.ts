import { type ByteSource, corruptAt, unsupportedAt } from '../byte-source.ts';
import { decodeUtf8 } from '../byte-cursor.ts';
import {
  type GgufArray,
  type GgufItemType,
  type GgufValue,
  type GgufValueType,
  ggufValueTypeOf,
} from './metadata.ts';

/** Thrown when the header goes on behind the bytes read so far, but within the file. */
class HeaderLonger extends Error {
  override readonly name = 'HeaderLonger';
}

export function isHeaderLonger(error: unknown): boolean {
  return error instanceof HeaderLonger;
}

// A quarter of a million tokens come with as many scores, types and merges; all of them are held at once.
const mostItems = 4_000_000;
const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads the little-endian fields of a GGUF header from the file's first bytes. */
export class HeaderReader {
  readonly file: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileBytes: number;
  #at = 0;
  #held = 0;

  constructor(prefix: Uint8Array, source: ByteSource) {
    this.file = source.file;
    this.#bytes = prefix;
    this.#view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    this.#fileBytes = source.bytes;
  }

  get offset(): number {
    return this.#at;
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A length, offset or dimension. The densest encoding packs seven items into a byte, so none exceeds 8 × file. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    if (value > BigInt(this.#fileBytes) * 8n) throw this.corrupt(`${value} is no possible size in this file`);
    return Number(value);
  }

  /** How many entries follow, each of at least `leastBytes`; more than `most` are an attack on memory. */
  count(leastBytes: number, most: number): number {
    const value = this.u64();
    if (value > most) throw this.corrupt('has more values than any model needs');
    this.#require(value * leastBytes);
    return value;
  }

  ascii(length: number): string {
    return String.fromCharCode(...this.#take(length));
  }

  /** A key or a tensor's name: strict UTF-8, not empty. */
  name(): string {
    const offset = this.#at;
    const name = decodeUtf8(this.#take(this.u64()), { file: this.file, offset });
    if (name === '') throw this.corrupt('has an empty name');
    return name;
  }

  value(type: GgufValueType): GgufValue {
    return type === 'array' ? this.#array() : this.#single(type);
  }

  corrupt(problem: string) {
    return corruptAt(this.file, this.#at, problem);
  }

  #single(type: GgufItemType): GgufValue {
    switch (type) {
      case 'string':
        return { type, value: this.#text() };
      case 'bool':
        return { type, value: this.#bool() };
      case 'u64':
      case 'i64':
        return { type, value: this.#big(type) };
      default:
        return { type, value: this.#number(type) };
    }
  }

  #array(): GgufArray {
    const number = this.u32();
    const of = ggufValueTypeOf(number);
    if (of === undefined) throw this.corrupt(`has an array of the unknown type ${number}`);
    if (of === 'array') throw unsupportedAt(this, 'has an array of arrays');
    const length = this.count(leastBytes(of), mostItems - this.#held);
    this.#held += length;
    return this.#items(of, length);
  }

  #items(of: GgufItemType, length: number): GgufArray {
    switch (of) {
      case 'string':
        return { type: 'array', of, value: Array.from({ length }, () => this.#text()) };
      case 'bool':
        return { type: 'array', of, value: Array.from({ length }, () => this.#bool()) };
      case 'u64':
      case 'i64':
        return { type: 'array', of, value: Array.from({ length }, () => this.#big(of)) };
      default:
        return { type: 'array', of, value: Array.from({ length }, () => this.#number(of)) };
    }
  }

  /** Tokens may be any bytes, so what is no UTF-8 becomes U+FFFD. */
  #text(): string {
    return tolerant.decode(this.#take(this.u64()));
  }

  #bool(): boolean {
    const byte = this.#view.getUint8(this.#advance(1));
    if (byte > 1) throw this.corrupt(`has the boolean ${byte}`);
    return byte === 1;
  }

  #big(type: 'u64' | 'i64'): bigint {
    const at = this.#advance(8);
    return type === 'u64' ? this.#view.getBigUint64(at, true) : this.#view.getBigInt64(at, true);
  }

  #number(type: Exclude<GgufItemType, 'string' | 'bool' | 'u64' | 'i64'>): number {
    const read = numberReaders[type];
    return read.from(this.#view, this.#advance(read.bytes));
  }

  #take(length: number): Uint8Array {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  #advance(length: number): number {
    this.#require(length);
    const from = this.#at;
    this.#at += length;
    return from;
  }

  #require(length: number): void {
    const end = this.#at + length;
    if (end > this.#fileBytes) {
      throw this.corrupt(`ends early: ${length} more bytes expected, ${this.#fileBytes - this.#at} there`);
    }
    if (end > this.#bytes.length) throw new HeaderLonger();
  }
}

/** A string is at least its length. */
function leastBytes(type: GgufItemType): number {
  if (type === 'string' || type === 'u64' || type === 'i64') return 8;
  return type === 'bool' ? 1 : numberReaders[type].bytes;
}

const numberReaders = {
  u8: { bytes: 1, from: (view: DataView, at: number) => view.getUint8(at) },
  i8: { bytes: 1, from: (view: DataView, at: number) => view.getInt8(at) },
  u16: { bytes: 2, from: (view: DataView, at: number) => view.getUint16(at, true) },
  i16: { bytes: 2, from: (view: DataView, at: number) => view.getInt16(at, true) },
  u32: { bytes: 4, from: (view: DataView, at: number) => view.getUint32(at, true) },
  i32: { bytes: 4, from: (view: DataView, at: number) => view.getInt32(at, true) },
  f32: { bytes: 4, from: (view: DataView, at: number) => view.getFloat32(at, true) },
  f64: { bytes: 8, from: (view: DataView, at: number) => view.getFloat64(at, true) },
} as const;

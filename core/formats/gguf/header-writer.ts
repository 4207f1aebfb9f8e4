import { type GgufItemType, type GgufValue, ggufValueTypes } from './metadata.ts';

/** Collects little-endian fields in one growing buffer: vocabularies have some hundred thousand of them. */
export class HeaderWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #encoder = new TextEncoder();

  ascii(value: string): void {
    this.#append(this.#encoder.encode(value));
  }

  u32(value: number): void {
    this.#number('u32', value);
  }

  u64(value: number): void {
    this.#number('u64', BigInt(value));
  }

  string(value: string): void {
    const bytes = this.#encoder.encode(value);
    this.u64(bytes.length);
    this.#append(bytes);
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

  /** Everything so far, filled with zeros up to a multiple of `alignment`. */
  finish(alignment: number): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#at / alignment) * alignment);
    bytes.set(this.#bytes.subarray(0, this.#at));
    return bytes;
  }

  #item(type: GgufItemType, value: number | bigint | boolean | string): void {
    if (type === 'string') this.string(String(value));
    else this.#number(type, typeof value === 'bigint' ? value : Number(value));
  }

  // One line a type keeps the table readable; splitting it would only hide the exhaustiveness.
  // oxlint-disable-next-line complexity
  #number(type: Exclude<GgufItemType, 'string'>, value: number | bigint): void {
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

  #append(bytes: Uint8Array): void {
    // First, because it may replace the buffer.
    const at = this.#advance(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #advance(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) this.#grow();
    return from;
  }

  #grow(): void {
    const bytes = new Uint8Array(this.#at * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

const numberBytes = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
} as const;

/** Grows as it is written to; all fields little-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1).setUint8(0, value);
    return this;
  }

  u16(value: number): this {
    this.#reserve(2).setUint16(0, value, true);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4).setUint32(0, value, true);
    return this;
  }

  u64(value: number): this {
    this.#reserve(8).setBigUint64(0, BigInt(value), true);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length - bytes.length);
    return this;
  }

  text(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): DataView {
    const needed = this.#length + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const view = new DataView(this.#bytes.buffer, this.#length, count);
    this.#length = needed;
    return view;
  }
}

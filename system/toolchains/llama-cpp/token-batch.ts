import koffi from 'koffi';
import type { Pointer, StructValue } from './native-call.ts';

/**
 * A llama_batch whose arrays are allocated once and written through views: filling it costs no call and no copy.
 * Each token belongs to one sequence.
 */
export class TokenBatch {
  readonly capacity: number;
  #size = 0;
  #outputs = 0;
  readonly #addresses: Pointer[] = [];
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #sequences: Int32Array;
  readonly #wantsLogits: Int8Array;
  readonly #struct: StructValue;

  constructor(capacity: number) {
    this.capacity = capacity;
    const allocate = (bytes: number): { address: bigint; buffer: ArrayBuffer } => {
      const address: bigint = koffi.alloc('uint8', bytes);
      this.#addresses.push(address);
      return { address, buffer: koffi.view(address, bytes) };
    };
    const tokens = allocate(4 * capacity);
    const positions = allocate(4 * capacity);
    const sequences = allocate(4 * capacity);
    const sequenceCounts = allocate(4 * capacity);
    const sequencePointers = allocate(8 * capacity);
    const wantsLogits = allocate(capacity);
    this.#tokens = new Int32Array(tokens.buffer);
    this.#positions = new Int32Array(positions.buffer);
    this.#sequences = new Int32Array(sequences.buffer);
    this.#wantsLogits = new Int8Array(wantsLogits.buffer);
    new Int32Array(sequenceCounts.buffer).fill(1);
    const pointers = new BigUint64Array(sequencePointers.buffer);
    for (let index = 0; index < capacity; index++) pointers[index] = sequences.address + BigInt(4 * index);
    this.#struct = {
      n_tokens: 0,
      token: tokens.address,
      embd: null,
      pos: positions.address,
      n_seq_id: sequenceCounts.address,
      seq_id: sequencePointers.address,
      logits: wantsLogits.address,
    };
  }

  get size(): number {
    return this.#size;
  }

  /** Rows of logits the next decode will give, in the order the tokens were added. */
  get outputs(): number {
    return this.#outputs;
  }

  /** llama_decode takes the struct by value; its pointers stay valid until free(). */
  get struct(): StructValue {
    this.#struct['n_tokens'] = this.#size;
    return this.#struct;
  }

  clear(): void {
    this.#size = 0;
    this.#outputs = 0;
  }

  add(
    token: number,
    place: { readonly position: number; readonly sequence: number; readonly output: 0 | 1 },
  ): void {
    if (this.#size >= this.capacity) throw new RangeError(`a batch of ${this.capacity} tokens is full`);
    const index = this.#size++;
    this.#tokens[index] = token;
    this.#positions[index] = place.position;
    this.#sequences[index] = place.sequence;
    this.#wantsLogits[index] = place.output;
    this.#outputs += place.output;
  }

  free(): void {
    for (const address of this.#addresses.splice(0)) koffi.free(address);
  }
}

import koffi from 'koffi';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { NativeCall, Pointer } from './native-call.ts';

/** Of native/statistics/gram.hpp. */
const expectedVersion = 1;

export type GramLibrary = ReturnType<typeof bindGramLibrary>;

/** Throws ToolchainMismatch for a library of another version. */
export function bindGramLibrary(file: string) {
  const library = koffi.load(file);
  const version: () => number = library.func('int enginewright_statistics_version()');
  if (version() !== expectedVersion)
    throw new BuildFailure(
      'ToolchainMismatch',
      `${file} is of version ${version()}, not ${expectedVersion}`,
      {
        hint: 'Run `npm run setup`.',
      },
    );
  const add: NativeCall<
    [
      rows: Pointer,
      tokens: number,
      columns: number,
      stride: number,
      gram: Pointer,
      absolute: Pointer,
      largest: Pointer,
    ],
    number
  > = library.func(
    'int enginewright_add_gram(void *rows, size_t tokens, size_t columns, size_t stride, void *gram, void *absolute, void *largest)',
  );
  const complete: (gram: Pointer, columns: number) => void = library.func(
    'void enginewright_complete_gram(void *gram, size_t columns)',
  );
  return { add, complete };
}

/** The sums of one input of `columns` items, in native memory. Float64 throughout. */
export class GramSums {
  readonly columns: number;
  readonly #library: GramLibrary;
  readonly #address: bigint;

  constructor(library: GramLibrary, columns: number) {
    this.#library = library;
    this.columns = columns;
    this.#address = koffi.alloc('uint8', this.#bytes);
    new Uint8Array(koffi.view(this.#address, this.#bytes)).fill(0);
  }

  get #bytes(): number {
    return 8 * this.columns * (this.columns + 2);
  }

  /** `stride` counts floats between rows. False when a value is infinite or NaN. */
  add(rows: Pointer, tokens: number, stride: number): boolean {
    const absolute = this.#address + BigInt(8 * this.columns * this.columns);
    const largest = absolute + BigInt(8 * this.columns);
    const { columns } = this;
    const code = this.#library.add(rows, tokens, columns, stride, this.#address, absolute, largest);
    if (code === 2) throw new BuildFailure('ToolFailed', 'there is not enough memory for the sums');
    return code === 0;
  }

  /** Σ x xᵀ [columns, columns], Σ |x| and max |x| [columns], as views that live until free(). */
  finish(): { readonly gram: Float64Array; readonly absolute: Float64Array; readonly largest: Float64Array } {
    this.#library.complete(this.#address, this.columns);
    const all = new Float64Array(koffi.view(this.#address, this.#bytes));
    const square = this.columns * this.columns;
    return {
      gram: all.subarray(0, square),
      absolute: all.subarray(square, square + this.columns),
      largest: all.subarray(square + this.columns),
    };
  }

  free(): void {
    koffi.free(this.#address);
  }
}

import koffi from 'koffi';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { LlamaLibrary } from './bind-library.ts';
import { type GramLibrary, GramSums } from './gram-library.ts';
import type { Pointer } from './native-call.ts';
import { type NativeTensor, readTensor } from './native-tensor.ts';

/** What was summed: one set of sums for each distinct input, under the first module that is given it. */
export interface CapturedInputs {
  readonly sums: ReadonlyMap<string, GramSums>;
  /** Module → the module whose sums are its own too. */
  readonly inputs: ReadonlyMap<string, string>;
}

/**
 * Listens to a graph while it is computed: for every product of a known matrix it adds up the other side's rows. Inputs
 * that several matrices share (q, k and v; gate and up) are added once.
 */
export class InputWatch {
  /** For `cb_eval` of a context. */
  readonly callback: bigint;
  readonly #library: LlamaLibrary;
  readonly #gram: GramLibrary;
  readonly #modules: { readonly [matrix: string]: string };
  readonly #sums = new Map<string, GramSums>();
  readonly #inputs = new Map<string, string>();
  /** Inputs of the graph under way that were added already. */
  readonly #added = new Map<Pointer, string>();
  #problem: Error | undefined;

  constructor(library: LlamaLibrary, gram: GramLibrary, modules: { readonly [matrix: string]: string }) {
    this.#library = library;
    this.#gram = gram;
    this.#modules = modules;
    const callback: bigint = koffi.register(
      (tensor: bigint, asks: boolean) => this.#evaluate(tensor, asks),
      koffi.pointer(koffi.proto('bool (void *tensor, bool ask, void *user_data)')),
    );
    this.callback = callback;
  }

  beginGraph(): void {
    this.#added.clear();
  }

  /** What went wrong inside the callback: nothing may be thrown through llama.cpp. */
  rethrow(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }

  captured(): CapturedInputs {
    return { sums: this.#sums, inputs: this.#inputs };
  }

  free(): void {
    for (const sums of this.#sums.values()) sums.free();
    this.#sums.clear();
    koffi.unregister(this.callback);
  }

  /** First asked whether a node is of interest; then, once it is computed, shown it. False ends the computation. */
  #evaluate(address: bigint, asks: boolean): boolean {
    try {
      if (asks) return this.#isProduct(address);
      const [matrix, input] = readTensor(this.#library, address).sources;
      if (matrix !== null && matrix !== undefined && input !== null && input !== undefined)
        this.#take(this.#library.tensorName(matrix), readTensor(this.#library, input));
      return true;
    } catch (error) {
      this.#problem = error instanceof Error ? error : new Error(String(error));
      return false;
    }
  }

  #isProduct(address: bigint): boolean {
    if (this.#problem !== undefined || this.#library.operationOf(address) !== 'MUL_MAT') return false;
    const [matrix] = readTensor(this.#library, address).sources;
    return matrix !== null && matrix !== undefined && this.#library.tensorName(matrix) in this.#modules;
  }

  #take(matrix: string, input: NativeTensor): void {
    const module = this.#modules[matrix];
    if (module === undefined) return;
    const shared = this.#added.get(input.address);
    if (shared !== undefined) {
      this.#inputs.set(module, shared);
      return;
    }
    this.#added.set(input.address, module);
    this.#inputs.set(module, module);
    const [columns = 0, tokens = 0, ...more] = input.items;
    const [itemBytes, rowBytes = 0] = input.strides;
    if (itemBytes !== 4 || more.some((size) => size !== 1))
      throw new BuildFailure('ToolchainMismatch', `the input of ${matrix} is no matrix of float32`);
    const sums = this.#sums.get(module) ?? new GramSums(this.#gram, columns);
    this.#sums.set(module, sums);
    if (sums.add(input.data, tokens, rowBytes / 4)) return;
    throw new BuildFailure('EngineInvalid', `the input of ${matrix} has values that are not finite`);
  }
}

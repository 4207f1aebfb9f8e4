import { setImmediate as letEventsThrough } from 'node:timers/promises';
import koffi from 'koffi';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { LlamaLibrary } from './bind-library.ts';
import { checkAdapter } from './check-adapter.ts';
import { callAsync, type Pointer } from './native-call.ts';
import type { Params, Result } from './protocol.ts';
import { TextCodec } from './text-codec.ts';
import { TokenBatch } from './token-batch.ts';

/** Tokens decoded at once: llama.cpp's default for one physical batch. Part of the numerics, so it is fixed. */
const batchTokens = 512;

/** A decode quicker than this runs on the main thread: a thread change would cost more than it frees. */
const syncLimitMs = 20;

/** How long the child may be deaf to its stdin and to signals. */
const deafLimitMs = 100;

/** A loaded model with its context, KV cache and batch. Belongs to the child process; ends with it. */
export class Engine {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly sequences: number;
  readonly file: string;
  readonly batch: TokenBatch;
  readonly codec: TextCodec;
  readonly #vocabulary: Pointer;
  readonly #library: LlamaLibrary;
  readonly #model: Pointer;
  readonly #context: Pointer;
  readonly #memory: Pointer;
  #lastDecodeMs = Number.POSITIVE_INFINITY;
  #listenedAt = performance.now();

  private constructor(
    library: LlamaLibrary,
    params: Params<'open'>,
    native: { model: Pointer; context: Pointer },
  ) {
    this.#library = library;
    this.#model = native.model;
    this.#context = native.context;
    this.#memory = library.memoryOf(native.context);
    this.#vocabulary = library.vocabularyOf(native.model);
    this.codec = new TextCodec(library, this.#vocabulary);
    this.vocabularySize = library.vocabularySize(this.#vocabulary);
    this.contextTokens = params.contextTokens;
    this.sequences = params.sequences;
    this.file = params.file;
    this.batch = new TokenBatch(Math.max(batchTokens, params.sequences));
  }

  /** Throws ToolFailed when llama.cpp refuses the file, an adapter, or the memory for the context. */
  static async open(
    library: LlamaLibrary,
    params: Params<'open'>,
    onEvaluate: Pointer = null,
  ): Promise<Engine> {
    for (const { file } of params.adapters) await checkAdapter(file);
    const model = await callAsync(library.loadModel, params.file, {
      ...library.modelDefaults(),
      ...(params.gpuLayers === undefined ? {} : { n_gpu_layers: params.gpuLayers }),
    });
    if (model === null) throw new BuildFailure('ToolFailed', `llama.cpp cannot load ${params.file}`);
    try {
      const context = createContext(library, model, { ...params, onEvaluate });
      try {
        applyAdapters(library, { model, context }, params.adapters);
        return new Engine(library, params, { model, context });
      } catch (error) {
        library.freeContext(context);
        throw error;
      }
    } catch (error) {
      library.freeModel(model);
      throw error;
    }
  }

  facts(): Omit<Result<'open'>, 'engine'> {
    const text = new Uint8Array(256);
    const length = this.#library.modelDescription(this.#model, text, text.length);
    return {
      vocabularySize: this.vocabularySize,
      bos: this.#library.bosToken(this.#vocabulary),
      eos: this.#library.eosToken(this.#vocabulary),
      addBos: this.#library.addsBos(this.#vocabulary),
      description: new TextDecoder().decode(text.subarray(0, Math.min(Math.max(length, 0), text.length - 1))),
      parameters: this.#library.parameterCount(this.#model),
      trainedContext: this.#library.trainedContext(this.#model),
    };
  }

  endsGeneration(token: number): boolean {
    return this.#library.endsGeneration(this.#vocabulary, token);
  }

  forgetAll(): void {
    this.#library.clearMemory(this.#memory, false);
  }

  forgetSequence(sequence: number): void {
    this.#library.removeSequence(this.#memory, sequence, -1, -1);
  }

  /**
   * Decodes the batch. Returns its logits, float32 [outputs, vocabulary], as a view that the next decode overwrites.
   */
  async decode(): Promise<Float32Array> {
    const started = performance.now();
    const code =
      this.#lastDecodeMs < syncLimitMs
        ? this.#library.decode(this.#context, this.batch.struct)
        : await callAsync(this.#library.decode, this.#context, this.batch.struct);
    const ended = performance.now();
    this.#lastDecodeMs = ended - started;
    if (code !== 0)
      throw new BuildFailure('ToolFailed', `llama_decode gave ${code} for ${this.batch.size} tokens`);
    if (ended - this.#listenedAt > deafLimitMs) {
      await letEventsThrough();
      this.#listenedAt = performance.now();
    }
    return this.#viewLogits();
  }

  /** Decodes on this very thread, so that callbacks of the graph may be JavaScript. Nothing else happens meanwhile. */
  decodeHere(): void {
    const code = this.#library.decode(this.#context, this.batch.struct);
    if (code === 0) return;
    throw new BuildFailure('ToolFailed', `llama_decode gave ${code} for ${this.batch.size} tokens`);
  }

  close(): void {
    this.batch.free();
    this.#library.freeContext(this.#context);
    this.#library.freeModel(this.#model);
  }

  #viewLogits(): Float32Array {
    const rows = this.batch.outputs;
    if (rows === 0) return new Float32Array(0);
    const address = this.#library.logits(this.#context);
    if (address === null) throw new BuildFailure('ToolFailed', 'llama.cpp gave no logits');
    return new Float32Array(koffi.view(address, 4 * rows * this.vocabularySize));
  }
}

function createContext(
  library: LlamaLibrary,
  model: Pointer,
  params: Params<'open'> & { readonly onEvaluate: Pointer },
): bigint {
  const batch = Math.max(batchTokens, params.sequences);
  const context = library.createContext(model, {
    ...library.contextDefaults(),
    // The KV cache is divided evenly between the sequences (kv_unified is false).
    n_ctx: params.contextTokens * params.sequences,
    n_batch: batch,
    n_ubatch: batch,
    n_seq_max: params.sequences,
    n_threads: params.threads,
    n_threads_batch: params.threads,
    // Called for every node of the graph, on the thread that decodes: then only decodeHere may be used.
    cb_eval: params.onEvaluate,
  });
  if (context !== null) return context;
  throw new BuildFailure(
    'ToolFailed',
    `llama.cpp cannot make a context of ${params.sequences} × ${params.contextTokens} tokens for ${params.file}`,
  );
}

function applyAdapters(
  library: LlamaLibrary,
  native: { model: Pointer; context: bigint },
  adapters: Params<'open'>['adapters'],
): void {
  if (adapters.length === 0) return;
  const addresses = adapters.map(({ file }) => {
    const address = library.loadAdapter(native.model, file);
    if (address === null) throw new BuildFailure('ToolFailed', `llama.cpp cannot load the adapter ${file}`);
    return address;
  });
  const scales = Float32Array.from(adapters, ({ scale }) => scale);
  const code = library.applyAdapters(
    native.context,
    BigUint64Array.from(addresses),
    addresses.length,
    scales,
  );
  if (code !== 0) throw new BuildFailure('ToolFailed', `llama_set_adapters_lora gave ${code}`);
}

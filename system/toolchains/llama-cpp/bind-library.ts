import koffi from 'koffi';
import { checkLayout, type ObservedStruct } from './check-layout.ts';
import { llamaLayout } from './generated/llama-layout.ts';
import type { LlamaLibraryFiles } from './locate-libraries.ts';
import type { PinnedLayout, PinnedStruct } from './pinned-layout.ts';

/** koffi gives addresses as bigint and NULL as null. */
export type Pointer = bigint | null;
/** A struct by value: every field of the pinned layout. */
export type StructValue = Record<string, unknown>;

/** A C function; `async` runs it on a thread of koffi's, so that the event loop stays free. */
export interface NativeCall<Arguments extends unknown[], Result> {
  (...args: Arguments): Result;
  readonly async: (...args: [...Arguments, (error: unknown, result: Result) => void]) => unknown;
}

export function callAsync<Arguments extends unknown[], Result>(
  call: NativeCall<Arguments, Result>,
  ...args: Arguments
): Promise<Result> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error, result) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
  });
}

// Native code runs on a stack koffi allocates; its default for threads, 128 KiB, is less than any thread of C has.
const stackBytes = 8 << 20;

/** The process can hold one binding: koffi keeps struct names for the whole process. */
export type LlamaLibrary = ReturnType<typeof bindLibrary>;

/**
 * Loads llama.cpp, proves that it is the pinned build, and starts its backends. Throws ToolchainMismatch when the
 * version, an offset or a default differs from `layout`. Signatures follow include/llama.h, ggml/include/gguf.h and
 * ggml/include/ggml-backend.h of the commit named in generated/llama-layout.ts.
 */
export function bindLibrary(files: LlamaLibraryFiles, layout: PinnedLayout = llamaLayout) {
  koffi.config({ ...koffi.config(), sync_stack_size: stackBytes, async_stack_size: stackBytes });
  const base = koffi.load(files.ggmlBase, { global: true });
  const ggml = koffi.load(files.ggml, { global: true });
  const llama = koffi.load(files.llama, { global: true });
  declareStructs(layout);
  const defaults = bindDefaults(llama);
  const version: () => string = llama.func('const char *llama_version()');
  checkLayout(layout, { version: version(), structs: observeStructs(layout, defaults) });
  const library = {
    files,
    version,
    ...defaults,
    ...bindBackends(base, ggml, llama),
    ...bindModels(llama),
    ...bindContexts(llama),
    ...bindText(llama),
    ...bindFiles(base, llama),
  };
  library.loadBackends(files.folder);
  library.initBackends();
  return library;
}

type Handle = ReturnType<typeof koffi.load>;

function declareStructs(layout: PinnedLayout): void {
  // A second binding in one process (tests do that) declares the same names again.
  koffi.reset();
  for (const [name, struct] of Object.entries(layout.structs)) {
    koffi.struct(name, Object.fromEntries(struct.fields.map((field) => [field.name, field.type])));
  }
}

function bindDefaults(llama: Handle) {
  const modelDefaults: () => StructValue = llama.func('llama_model_params llama_model_default_params()');
  const contextDefaults: () => StructValue = llama.func('llama_context_params llama_context_default_params()');
  const quantizeDefaults: () => StructValue = llama.func(
    'llama_model_quantize_params llama_model_quantize_default_params()',
  );
  return { modelDefaults, contextDefaults, quantizeDefaults };
}

function observeStructs(layout: PinnedLayout, defaults: ReturnType<typeof bindDefaults>) {
  const readDefaults: { readonly [name: string]: (() => StructValue) | undefined } = {
    llama_model_params: defaults.modelDefaults,
    llama_context_params: defaults.contextDefaults,
    llama_model_quantize_params: defaults.quantizeDefaults,
  };
  const observe = (name: string, struct: PinnedStruct): ObservedStruct => {
    const members = koffi.type(name).members ?? {};
    const offsets = Object.fromEntries(struct.fields.map((field) => [field.name, members[field.name]?.offset]));
    return { size: koffi.sizeof(name), offsets, defaults: readDefaults[name]?.() };
  };
  return Object.fromEntries(Object.entries(layout.structs).map(([name, struct]) => [name, observe(name, struct)]));
}

function bindBackends(base: Handle, ggml: Handle, llama: Handle) {
  const loadBackends: (folder: string) => void = ggml.func('void ggml_backend_load_all_from_path(const char *dir)');
  const initBackends: () => void = llama.func('void llama_backend_init()');
  const systemInfo: () => string = llama.func('const char *llama_print_system_info()');
  const deviceCount: () => number = ggml.func('size_t ggml_backend_dev_count()');
  const device: (index: number) => Pointer = ggml.func('void *ggml_backend_dev_get(size_t index)');
  const deviceName: (device: Pointer) => string = base.func('const char *ggml_backend_dev_name(void *device)');
  const deviceDescription: (device: Pointer) => string = base.func(
    'const char *ggml_backend_dev_description(void *device)',
  );
  return { loadBackends, initBackends, systemInfo, deviceCount, device, deviceName, deviceDescription };
}

function bindModels(llama: Handle) {
  const loadModel: NativeCall<[path: string, params: StructValue], Pointer> = llama.func(
    'void *llama_model_load_from_file(const char *path, llama_model_params params)',
  );
  const freeModel: (model: Pointer) => void = llama.func('void llama_model_free(void *model)');
  const modelDescription: (model: Pointer, buffer: Uint8Array, bytes: number) => number = llama.func(
    'int32 llama_model_desc(void *model, _Out_ uint8 *buf, size_t size)',
  );
  const parameterCount: (model: Pointer) => number = llama.func('uint64 llama_model_n_params(void *model)');
  const trainedContext: (model: Pointer) => number = llama.func('int32 llama_model_n_ctx_train(void *model)');
  const vocabularyOf: (model: Pointer) => Pointer = llama.func('void *llama_model_get_vocab(void *model)');
  const loadAdapter: (model: Pointer, path: string) => Pointer = llama.func(
    'void *llama_adapter_lora_init(void *model, const char *path)',
  );
  const applyAdapters: (
    context: Pointer,
    adapters: BigUint64Array,
    count: number,
    scales: Float32Array,
  ) => number = llama.func(
    'int32 llama_set_adapters_lora(void *ctx, uint64 *adapters, size_t n_adapters, float *scales)',
  );
  return { loadModel, freeModel, modelDescription, parameterCount, trainedContext, vocabularyOf, loadAdapter, applyAdapters };
}

function bindContexts(llama: Handle) {
  const createContext: (model: Pointer, params: StructValue) => Pointer = llama.func(
    'void *llama_init_from_model(void *model, llama_context_params params)',
  );
  const freeContext: (context: Pointer) => void = llama.func('void llama_free(void *ctx)');
  const memoryOf: (context: Pointer) => Pointer = llama.func('void *llama_get_memory(void *ctx)');
  const clearMemory: (memory: Pointer, data: boolean) => void = llama.func(
    'void llama_memory_clear(void *mem, bool data)',
  );
  const removeSequence: (memory: Pointer, sequence: number, from: number, to: number) => boolean = llama.func(
    'bool llama_memory_seq_rm(void *mem, int32 seq_id, int32 p0, int32 p1)',
  );
  const decode: NativeCall<[context: Pointer, batch: StructValue], number> = llama.func(
    'int32 llama_decode(void *ctx, llama_batch batch)',
  );
  const logits: (context: Pointer) => Pointer = llama.func('void *llama_get_logits(void *ctx)');
  return { createContext, freeContext, memoryOf, clearMemory, removeSequence, decode, logits };
}

function bindText(llama: Handle) {
  const vocabularySize: (vocabulary: Pointer) => number = llama.func('int32 llama_vocab_n_tokens(void *vocab)');
  const bosToken: (vocabulary: Pointer) => number = llama.func('int32 llama_vocab_bos(void *vocab)');
  const eosToken: (vocabulary: Pointer) => number = llama.func('int32 llama_vocab_eos(void *vocab)');
  const addsBos: (vocabulary: Pointer) => boolean = llama.func('bool llama_vocab_get_add_bos(void *vocab)');
  const endsGeneration: (vocabulary: Pointer, token: number) => boolean = llama.func(
    'bool llama_vocab_is_eog(void *vocab, int32 token)',
  );
  const tokenize: (
    vocabulary: Pointer,
    text: Uint8Array,
    bytes: number,
    ...rest: [tokens: Int32Array, room: number, addSpecial: boolean, parseSpecial: boolean]
  ) => number = llama.func(
    'int32 llama_tokenize(void *vocab, const uint8 *text, int32 len, _Out_ int32 *tokens, int32 max, bool add_special, bool parse_special)',
  );
  const tokenPiece: (
    vocabulary: Pointer,
    token: number,
    ...rest: [buffer: Uint8Array, bytes: number, stripSpaces: number, renderSpecial: boolean]
  ) => number = llama.func(
    'int32 llama_token_to_piece(void *vocab, int32 token, _Out_ uint8 *buf, int32 length, int32 lstrip, bool special)',
  );
  return { vocabularySize, bosToken, eosToken, addsBos, endsGeneration, tokenize, tokenPiece };
}

function bindFiles(base: Handle, llama: Handle) {
  const quantize: NativeCall<[from: string, to: string, params: StructValue], number> = llama.func(
    'uint32 llama_model_quantize(const char *in, const char *out, llama_model_quantize_params *params)',
  );
  const setLog: (callback: Pointer, userData: null) => void = llama.func('void llama_log_set(void *cb, void *ud)');
  const openGguf: (path: string, params: StructValue) => Pointer = base.func(
    'void *gguf_init_from_file(const char *path, gguf_init_params params)',
  );
  const closeGguf: (gguf: Pointer) => void = base.func('void gguf_free(void *gguf)');
  const tensorCount: (gguf: Pointer) => number = base.func('int64 gguf_get_n_tensors(void *gguf)');
  const tensorName: (gguf: Pointer, index: number) => string = base.func(
    'const char *gguf_get_tensor_name(void *gguf, int64 index)',
  );
  const tensorType: (gguf: Pointer, index: number) => number = base.func(
    'int32 gguf_get_tensor_type(void *gguf, int64 index)',
  );
  const typeName: (type: number) => string = base.func('const char *ggml_type_name(int32 type)');
  return { quantize, setLog, openGguf, closeGguf, tensorCount, tensorName, tensorType, typeName };
}

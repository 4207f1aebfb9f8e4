/**
 * The C functions we call, by what they are about. Signatures follow include/llama.h, ggml/include/gguf.h and
 * ggml/include/ggml-backend.h of the commit named in generated/llama-layout.ts.
 */
import type koffi from 'koffi';
import type { NativeCall, Pointer, StructValue } from './native-call.ts';

type Handle = ReturnType<typeof koffi.load>;

export interface LoadedLibraries {
  readonly base: Handle;
  readonly ggml: Handle;
  readonly llama: Handle;
}

export function bindDefaults({ llama }: LoadedLibraries) {
  const version: () => string = llama.func('const char *llama_version()');
  const modelDefaults: () => StructValue = llama.func('llama_model_params llama_model_default_params()');
  const contextDefaults: () => StructValue = llama.func(
    'llama_context_params llama_context_default_params()',
  );
  const quantizeDefaults: () => StructValue = llama.func(
    'llama_model_quantize_params llama_model_quantize_default_params()',
  );
  return { version, modelDefaults, contextDefaults, quantizeDefaults };
}

export function bindBackends({ base, ggml, llama }: LoadedLibraries) {
  const loadBackends: (folder: string) => void = ggml.func(
    'void ggml_backend_load_all_from_path(const char *dir)',
  );
  const initBackends: () => void = llama.func('void llama_backend_init()');
  const systemInfo: () => string = llama.func('const char *llama_print_system_info()');
  const deviceCount: () => number = ggml.func('size_t ggml_backend_dev_count()');
  const device: (index: number) => Pointer = ggml.func('void *ggml_backend_dev_get(size_t index)');
  const deviceName: (device: Pointer) => string = base.func(
    'const char *ggml_backend_dev_name(void *device)',
  );
  const deviceDescription: (device: Pointer) => string = base.func(
    'const char *ggml_backend_dev_description(void *device)',
  );
  return { loadBackends, initBackends, systemInfo, deviceCount, device, deviceName, deviceDescription };
}

export function bindModels({ llama }: LoadedLibraries) {
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
  return {
    loadModel,
    freeModel,
    modelDescription,
    parameterCount,
    trainedContext,
    vocabularyOf,
    loadAdapter,
  };
}

export function bindContexts({ llama }: LoadedLibraries) {
  const createContext: (model: Pointer, params: StructValue) => Pointer = llama.func(
    'void *llama_init_from_model(void *model, llama_context_params params)',
  );
  const freeContext: (context: Pointer) => void = llama.func('void llama_free(void *ctx)');
  const applyAdapters: NativeCall<
    [context: Pointer, adapters: BigUint64Array, count: number, scales: Float32Array],
    number
  > = llama.func(
    'int32 llama_set_adapters_lora(void *ctx, uint64 *adapters, size_t n_adapters, float *scales)',
  );
  const memoryOf: (context: Pointer) => Pointer = llama.func('void *llama_get_memory(void *ctx)');
  const clearMemory: (memory: Pointer, data: boolean) => void = llama.func(
    'void llama_memory_clear(void *mem, bool data)',
  );
  const removeSequence: NativeCall<[memory: Pointer, sequence: number, from: number, to: number], boolean> =
    llama.func('bool llama_memory_seq_rm(void *mem, int32 seq_id, int32 p0, int32 p1)');
  const decode: NativeCall<[context: Pointer, batch: StructValue], number> = llama.func(
    'int32 llama_decode(void *ctx, llama_batch batch)',
  );
  const logits: (context: Pointer) => Pointer = llama.func('void *llama_get_logits(void *ctx)');
  return { createContext, freeContext, applyAdapters, memoryOf, clearMemory, removeSequence, decode, logits };
}

export function bindText({ llama }: LoadedLibraries) {
  const vocabularySize: (vocabulary: Pointer) => number = llama.func(
    'int32 llama_vocab_n_tokens(void *vocab)',
  );
  const bosToken: (vocabulary: Pointer) => number = llama.func('int32 llama_vocab_bos(void *vocab)');
  const eosToken: (vocabulary: Pointer) => number = llama.func('int32 llama_vocab_eos(void *vocab)');
  const addsBos: (vocabulary: Pointer) => boolean = llama.func('bool llama_vocab_get_add_bos(void *vocab)');
  const endsGeneration: (vocabulary: Pointer, token: number) => boolean = llama.func(
    'bool llama_vocab_is_eog(void *vocab, int32 token)',
  );
  const tokenize: NativeCall<
    [
      vocabulary: Pointer,
      text: Uint8Array,
      bytes: number,
      tokens: Int32Array,
      room: number,
      addSpecial: boolean,
      parseSpecial: boolean,
    ],
    number
  > = llama.func(
    'int32 llama_tokenize(void *vocab, const uint8 *text, int32 len, _Out_ int32 *tokens, int32 max, bool add_special, bool parse_special)',
  );
  const tokenPiece: NativeCall<
    [
      vocabulary: Pointer,
      token: number,
      buffer: Uint8Array,
      bytes: number,
      stripSpaces: number,
      renderSpecial: boolean,
    ],
    number
  > = llama.func(
    'int32 llama_token_to_piece(void *vocab, int32 token, _Out_ uint8 *buf, int32 length, int32 lstrip, bool special)',
  );
  return { vocabularySize, bosToken, eosToken, addsBos, endsGeneration, tokenize, tokenPiece };
}

export function bindFiles({ base, llama }: LoadedLibraries) {
  const quantize: NativeCall<[from: string, to: string, params: StructValue], number> = llama.func(
    'uint32 llama_model_quantize(const char *in, const char *out, llama_model_quantize_params *params)',
  );
  const setLog: (callback: Pointer, userData: null) => void = llama.func(
    'void llama_log_set(void *cb, void *ud)',
  );
  const openGguf: (path: string, params: StructValue) => Pointer = base.func(
    'void *gguf_init_from_file(const char *path, gguf_init_params params)',
  );
  const closeGguf: (gguf: Pointer) => void = base.func('void gguf_free(void *gguf)');
  const tensorCount: (gguf: Pointer) => number = base.func('int64 gguf_get_n_tensors(void *gguf)');
  const tensorType: (gguf: Pointer, index: number) => number = base.func(
    'int32 gguf_get_tensor_type(void *gguf, int64 index)',
  );
  const typeName: (type: number) => string = base.func('const char *ggml_type_name(int32 type)');
  return { quantize, setLog, openGguf, closeGguf, tensorCount, tensorType, typeName };
}

/** Of the tensors of a graph, while it is computed. */
export function bindTensors({ base }: LoadedLibraries) {
  const tensorName: (tensor: Pointer) => string = base.func('const char *ggml_get_name(void *tensor)');
  const tensorData: (tensor: Pointer) => Pointer = base.func('void *ggml_get_data(void *tensor)');
  const tensorItems: (tensor: Pointer) => number = base.func('int64 ggml_nelements(void *tensor)');
  const operationOf: (tensor: Pointer) => string = base.func('const char *ggml_op_desc(void *tensor)');
  return { tensorName, tensorData, tensorItems, operationOf };
}

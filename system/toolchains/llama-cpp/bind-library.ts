import koffi from 'koffi';
import { checkLayout, type ObservedStruct } from './check-layout.ts';
import { llamaLayout } from './generated/llama-layout.ts';
import {
  bindBackends,
  bindContexts,
  bindDefaults,
  bindFiles,
  bindModels,
  bindTensors,
  bindText,
  type LoadedLibraries,
} from './library-functions.ts';
import type { LlamaLibraryFiles } from './locate-libraries.ts';
import type { StructValue } from './native-call.ts';
import type { PinnedLayout, PinnedStruct } from './pinned-layout.ts';

// Native code runs on a stack koffi allocates; its default for threads, 128 KiB, is less than any thread of C has.
const stackBytes = 8 << 20;

/** Must come before the first library of the process. */
export function widenNativeStacks(): void {
  koffi.config({ ...koffi.config(), sync_stack_size: stackBytes, async_stack_size: stackBytes });
}

export type LlamaLibrary = ReturnType<typeof bindLibrary>;

/**
 * Loads llama.cpp, proves that it is the pinned build, and starts its backends. Throws ToolchainMismatch when the
 * version, an offset or a default differs from `layout`. koffi keeps struct names for the whole process, so the last
 * binding is the only one in force.
 */
export function bindLibrary(files: LlamaLibraryFiles, layout: PinnedLayout = llamaLayout) {
  const loaded: LoadedLibraries = {
    base: koffi.load(files.ggmlBase, { global: true }),
    ggml: koffi.load(files.ggml, { global: true }),
    llama: koffi.load(files.llama, { global: true }),
  };
  declareStructs(layout);
  const defaults = bindDefaults(loaded);
  checkLayout(layout, { version: defaults.version(), structs: observeStructs(layout, defaults) });
  const library = {
    ...defaults,
    ...bindBackends(loaded),
    ...bindModels(loaded),
    ...bindContexts(loaded),
    ...bindText(loaded),
    ...bindFiles(loaded),
    ...bindTensors(loaded),
  };
  library.loadBackends(files.folder);
  library.initBackends();
  return library;
}

function declareStructs(layout: PinnedLayout): void {
  koffi.reset();
  for (const [name, struct] of Object.entries(layout.structs)) {
    koffi.struct(name, Object.fromEntries(struct.fields.map((field) => [field.name, field.type])));
  }
}

function observeStructs(layout: PinnedLayout, defaults: ReturnType<typeof bindDefaults>) {
  const readDefaults: { readonly [name: string]: (() => StructValue) | undefined } = {
    llama_model_params: defaults.modelDefaults,
    llama_context_params: defaults.contextDefaults,
    llama_model_quantize_params: defaults.quantizeDefaults,
  };
  const observe = (name: string, struct: PinnedStruct): ObservedStruct => {
    const members = koffi.type(name).members ?? {};
    const offsets = Object.fromEntries(
      struct.fields.map((field) => [field.name, members[field.name]?.offset]),
    );
    return { size: koffi.sizeof(name), offsets, defaults: readDefaults[name]?.() };
  };
  return Object.fromEntries(
    Object.entries(layout.structs).map(([name, struct]) => [name, observe(name, struct)]),
  );
}

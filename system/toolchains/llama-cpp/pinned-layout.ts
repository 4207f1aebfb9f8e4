/** Where the fields of llama.cpp's structs lie at the pinned version; filled by tools/generate-llama-layout.ts. */
export interface PinnedLayout {
  /** What llama_version() answers. */
  readonly version: string;
  readonly structs: { readonly [name: string]: PinnedStruct };
}

export interface PinnedStruct {
  /** sizeof, in bytes. */
  readonly size: number;
  /** False when the library has no function that fills the struct. */
  readonly hasDefaults: boolean;
  /** In the order of the header. */
  readonly fields: readonly PinnedField[];
}

export interface PinnedField {
  readonly name: string;
  /** A type that koffi knows: enums are int32, every pointer is `void *`. */
  readonly type: string;
  /** In bytes from the start of the struct. */
  readonly offset: number;
  readonly size: number;
  /** What *_default_params() sets; `set` for a pointer that is not null. */
  readonly default: number | boolean | 'set' | null;
}

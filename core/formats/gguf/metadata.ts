/**
 * Metadata values of a GGUF file (specification: ggml-org/ggml docs/gguf.md, "File structure"; the numbers are
 * `gguf_metadata_value_type`).
 */
export const ggufValueTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

export type GgufValueType = keyof typeof ggufValueTypes;
export type GgufItemType = Exclude<GgufValueType, 'array'>;
type NumberType = Exclude<GgufItemType, 'bool' | 'string' | 'u64' | 'i64'>;

export type GgufValue =
  | { readonly type: NumberType; readonly value: number }
  | { readonly type: 'u64' | 'i64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | GgufArray;

export type GgufArray =
  | { readonly type: 'array'; readonly of: NumberType; readonly value: readonly number[] }
  | { readonly type: 'array'; readonly of: 'u64' | 'i64'; readonly value: readonly bigint[] }
  | { readonly type: 'array'; readonly of: 'bool'; readonly value: readonly boolean[] }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] };

/** Keys in the order they are written. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;
export type GgufEntry = readonly [key: string, value: GgufValue];

export function text(value: string): GgufValue {
  return { type: 'string', value };
}

export function u32(value: number): GgufValue {
  return { type: 'u32', value };
}

export function f32(value: number): GgufValue {
  return { type: 'f32', value };
}

export function flag(value: boolean): GgufValue {
  return { type: 'bool', value };
}

export function texts(value: readonly string[]): GgufValue {
  return { type: 'array', of: 'string', value };
}

export function i32s(value: readonly number[]): GgufValue {
  return { type: 'array', of: 'i32', value };
}

export function f32s(value: readonly number[]): GgufValue {
  return { type: 'array', of: 'f32', value };
}

const byNumber = new Map<number, GgufValueType>();
for (const name of Object.keys(ggufValueTypes) as GgufValueType[]) byNumber.set(ggufValueTypes[name], name);

export function ggufValueTypeOf(number: number): GgufValueType | undefined {
  return byNumber.get(number);
}

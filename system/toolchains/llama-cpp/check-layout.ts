import { BuildFailure } from '../../../core/domain/failures.ts';
import type { PinnedField, PinnedLayout, PinnedStruct } from './pinned-layout.ts';

/** What a foreign-function library computed for one struct, and what the loaded library set in it. */
export interface ObservedStruct {
  readonly size: number;
  readonly offsets: { readonly [field: string]: number | undefined };
  /** Undefined when the library has no defaults for it. */
  readonly defaults: { readonly [field: string]: unknown } | undefined;
}

export interface ObservedLayout {
  readonly version: string;
  readonly structs: { readonly [name: string]: ObservedStruct };
}

/**
 * A library of another version moves the fields of its structs, and then every number lands in the wrong place
 * without an error. Throws ToolchainMismatch naming the first difference between the pinned and the loaded library.
 */
export function checkLayout(pinned: PinnedLayout, observed: ObservedLayout): void {
  compare('llama_version()', pinned.version, observed.version);
  for (const [name, struct] of Object.entries(pinned.structs)) {
    const seen = observed.structs[name];
    compare(`sizeof(${name})`, struct.size, seen?.size);
    if (seen !== undefined) checkStruct(name, struct, seen);
  }
}

function checkStruct(name: string, struct: PinnedStruct, seen: ObservedStruct): void {
  for (const field of struct.fields) {
    compare(`offset of ${name}.${field.name}`, field.offset, seen.offsets[field.name]);
  }
  if (!struct.hasDefaults) return;
  for (const field of struct.fields) {
    compare(
      `default of ${name}.${field.name}`,
      comparableDefault(field, field.default),
      comparableDefault(field, seen.defaults?.[field.name]),
    );
  }
}

/** Floats are compared as float32, which the generator's nine digits tell apart; an address only as "is set". */
function comparableDefault(field: PinnedField, value: unknown): unknown {
  if (field.type === 'void *') return value === null || value === 0n ? null : 'set';
  return field.type === 'float' && typeof value === 'number' ? Math.fround(value) : value;
}

function compare(what: string, pinned: unknown, observed: unknown): void {
  if (Object.is(pinned, observed)) return;
  throw new BuildFailure(
    'ToolchainMismatch',
    `llama.cpp is not the pinned build: ${what} is ${String(observed)} instead of ${String(pinned)}`,
    { details: { what, pinned: String(pinned), observed: String(observed) } },
  );
}

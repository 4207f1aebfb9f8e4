import type { Json, JsonObject } from '../../domain/json.ts';

/** Reading loosely typed JSON: a member of the wrong kind counts as absent. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !isList(value) ? value : undefined;
}

export function asList(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

export function memberOf(value: Json | undefined, key: string): Json | undefined {
  const object = asObject(value);
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

export function textMember(value: Json | undefined, key: string): string | undefined {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : undefined;
}

export function flagMember(value: Json | undefined, key: string): boolean | undefined {
  const member = memberOf(value, key);
  return typeof member === 'boolean' ? member : undefined;
}

/** A whole number from 0, such as a token id. */
export function countMember(value: Json | undefined, key: string): number | undefined {
  const member = memberOf(value, key);
  return typeof member === 'number' && Number.isSafeInteger(member) && member >= 0 ? member : undefined;
}

// Array.isArray alone does not narrow a readonly array.
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

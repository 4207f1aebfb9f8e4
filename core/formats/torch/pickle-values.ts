/**
 * What a pickle can stand for here: plain data and symbols. Nothing is ever imported or called; a global that a
 * pickle names becomes a symbol, and only the host that reads it decides what applying it means.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleSymbol;

export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

/** Keys keep their order. Only scalar keys compare by value, as nothing else occurs in a state dict. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
}

/** A value of the host's own making: a class, a storage, a tensor. */
export abstract class PickleSymbol {
  abstract readonly description: string;
}

/** Gives meaning to the few things a pickle may name. Every method throws a BuildFailure for what it does not know. */
export interface PickleHost {
  readonly resolveGlobal: (name: string, offset: number) => PickleValue;
  readonly apply: (callable: PickleValue, args: PickleTuple, offset: number) => PickleValue;
  readonly loadPersistent: (id: PickleValue, offset: number) => PickleValue;
  /** `__setstate__`; may only accept, there is nothing to change. */
  readonly acceptState: (target: PickleValue, offset: number) => void;
}

/** A value in a message: scalars as they are, cut short; symbols by what they are. */
export function showValue(value: PickleValue | undefined): string {
  if (value instanceof PickleSymbol) return value.description;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 200));
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? `${value}`
    : 'a plain value';
}

import { PickleDict, PickleList, PickleSymbol, PickleTuple, type PickleValue } from './pickle-values.ts';

// Estimates for V8, of what stays while a pickle is read and of what becomes of it afterwards, in bytes.
const costs = {
  reference: 32,
  boxedNumber: 24,
  text: 48,
  bytes: 160,
  list: 80,
  dict: 250,
  symbol: 100,
  pair: 300,
  memo: 100,
} as const;
const perArgument = 64;

/**
 * What the values of one pickle may take in memory: a byte of a pickle can ask for an empty dictionary, two bytes for
 * another copy of the longest list. A hundred thousand tensors stay below.
 */
export class ValueBudget {
  #left = 300_000_000;

  get isSpent(): boolean {
    return this.#left < 0;
  }

  made(value: PickleValue): void {
    this.#left -= costs.reference + ownCost(value);
  }

  recalled(): void {
    this.#left -= costs.reference;
  }

  remembered(): void {
    this.#left -= costs.memo;
  }

  paired(count: number): void {
    this.#left -= costs.pair * count;
  }

  /** Applying something may copy what it is given. */
  applied(args: PickleTuple): void {
    for (const argument of args.items.slice(0, 32)) this.#left -= perArgument * sizeOf(argument);
  }
}

function ownCost(value: PickleValue): number {
  if (typeof value === 'number') return isSmall(value) ? 0 : costs.boxedNumber;
  if (typeof value === 'string' || typeof value === 'bigint') return costs.text;
  if (value instanceof PickleDict) return costs.dict;
  if (value instanceof PickleList || value instanceof PickleTuple) return costs.list;
  if (value instanceof PickleSymbol) return costs.symbol;
  return value instanceof Uint8Array ? costs.bytes : 0;
}

/** V8 keeps integers of 32 bits in the reference itself. */
function isSmall(value: number): boolean {
  return Object.is(value, value | 0);
}

function sizeOf(value: PickleValue): number {
  if (value instanceof PickleList || value instanceof PickleTuple) return 1 + value.items.length;
  return value instanceof PickleDict ? 1 + value.entries.size : 1;
}

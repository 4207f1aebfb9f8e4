import type { ByteCursor } from '../byte-cursor.ts';
import { corruptAt, unsupportedAt } from '../byte-source.ts';
import {
  PickleDict,
  PickleList,
  PickleTuple,
  showValue,
  type PickleHost,
  type PickleValue,
} from './pickle-values.ts';
import { ValueBudget } from './value-budget.ts';

// State dicts nest four levels, checkpoints a few more.
const maxMarks = 1_000;

/** The stack, the marks and the memo of a pickle; what the opcodes do with them is in pickle-operations.ts. */
export class PickleMachine {
  readonly cursor: ByteCursor;
  readonly host: PickleHost;
  /** Where the current opcode stands in the file. */
  offset = 0;
  result: { readonly value: PickleValue } | undefined;
  #stack: PickleValue[] = [];
  readonly #budget = new ValueBudget();
  readonly #marks: PickleValue[][] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(cursor: ByteCursor, host: PickleHost) {
    this.cursor = cursor;
    this.host = host;
  }

  push(value: PickleValue): void {
    this.#budget.made(value);
    this.#put(value);
  }

  #put(value: PickleValue): void {
    this.#checkBudget();
    this.#stack.push(value);
  }

  #checkBudget(): void {
    if (this.#budget.isSpent) throw this.corrupt('the pickle makes more values than any weight file needs');
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw this.corrupt('the pickle takes a value where there is none');
    return value;
  }

  /** The topmost values, in the order they were pushed. */
  popMany(count: number): PickleValue[] {
    if (this.#stack.length < count)
      throw this.corrupt(`the pickle takes ${count} values where there are fewer`);
    return this.#stack.splice(this.#stack.length - count, count);
  }

  mark(): void {
    if (this.#marks.length >= maxMarks) throw this.corrupt(`the pickle nests deeper than ${maxMarks} marks`);
    this.#marks.push(this.#stack);
    this.#stack = [];
  }

  popToMark(): PickleValue[] {
    const below = this.#marks.pop();
    if (below === undefined) throw this.corrupt('the pickle goes back to a mark where there is none');
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  remember(index: number): void {
    const value = this.pop();
    this.#budget.remembered();
    this.#memo.set(index, value);
    this.#put(value);
  }

  /** The index MEMOIZE uses: the number of values remembered so far. */
  get memoSize(): number {
    return this.#memo.size;
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined)
      throw this.corrupt(`the pickle recalls value ${index}, which it never remembered`);
    this.#budget.recalled();
    this.#put(value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.pop();
    if (!(list instanceof PickleList)) throw this.corrupt('the pickle appends to something that is no list');
    for (const item of items) list.items.push(item);
    this.#put(list);
  }

  setItems(pairs: readonly PickleValue[]): void {
    const dict = this.pop();
    if (!(dict instanceof PickleDict))
      throw this.corrupt('the pickle sets an item of something that is no dictionary');
    if (pairs.length % 2 !== 0) throw this.corrupt('the pickle sets a key without a value');
    this.#budget.paired(pairs.length / 2);
    for (let index = 0; index < pairs.length; index += 2) {
      const key = pairs[index] ?? null;
      if (dict.entries.has(key)) throw this.corrupt(`the pickle has the key ${showValue(key)} twice`);
      dict.entries.set(key, pairs[index + 1] ?? null);
    }
    this.#put(dict);
  }

  apply(): void {
    const args = this.pop();
    const callable = this.pop();
    if (!(args instanceof PickleTuple)) throw this.corrupt('the pickle applies something to no tuple');
    this.#budget.applied(args);
    this.#checkBudget();
    this.push(this.host.apply(callable, args, this.offset));
  }

  corrupt(problem: string): Error {
    return corruptAt(this.cursor.file, this.offset, problem);
  }

  unsupported(problem: string): Error {
    return unsupportedAt({ file: this.cursor.file, offset: this.offset }, problem);
  }
}

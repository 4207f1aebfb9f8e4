import { corruptAt, unsupportedAt } from '../byte-source.ts';
import { PickleTuple, showValue, type PickleValue } from './pickle-values.ts';
import { torchItemBytes } from './torch-dtypes.ts';
import { StorageClass, StorageSymbol } from './torch-symbols.ts';

/** The storages a pickle speaks of, by key. */
export class StorageTable {
  readonly #storages = new Map<string, StorageSymbol>();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  get(key: string): StorageSymbol | undefined {
    return this.#storages.get(key);
  }

  values(): Iterable<StorageSymbol> {
    return this.#storages.values();
  }

  /**
   * The storage of a persistent id `('storage', class, key, location, numel)`, with a sixth item in the legacy form
   * (torch/serialization.py, `persistent_id`). One key is one storage; its size may be told only one way.
   */
  load(id: PickleValue, offset: number): StorageSymbol {
    const [tag, type, key, , count, view] = id instanceof PickleTuple ? id.items : [];
    if (tag !== 'storage' || !(type instanceof StorageClass) || typeof key !== 'string') {
      throw corruptAt(this.#file, offset, 'a storage has no proper identity');
    }
    if (view !== undefined && view !== null)
      throw unsupportedAt({ file: this.#file, offset }, 'a storage is a view of another one');
    return this.#register(
      new StorageSymbol({ key, dtype: type.dtype, ...this.#measure(type, count, offset) }),
      offset,
    );
  }

  #measure(
    { dtype }: StorageClass,
    count: PickleValue | undefined,
    offset: number,
  ): { items: number; bytes: number } {
    const items = typeof count === 'number' && count >= 0 ? count : NaN;
    const bytes = items * (dtype === undefined ? 1 : (torchItemBytes(dtype) ?? NaN));
    if (!Number.isSafeInteger(bytes))
      throw corruptAt(this.#file, offset, `a storage has ${showValue(count)} items`);
    return { items, bytes };
  }

  #register(storage: StorageSymbol, offset: number): StorageSymbol {
    const known = this.#storages.get(storage.key);
    if (known === undefined) this.#storages.set(storage.key, storage);
    else if (known.bytes !== storage.bytes) {
      throw corruptAt(
        this.#file,
        offset,
        `storage ${showValue(storage.key)} has two sizes, ${known.bytes} and ${storage.bytes} bytes`,
      );
    }
    return known !== undefined && known.dtype === storage.dtype ? known : storage;
  }
}

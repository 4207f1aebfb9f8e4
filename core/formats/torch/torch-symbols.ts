import type { TensorDtype } from '../tensor.ts';
import { PickleSymbol } from './pickle-values.ts';

/** A function or class on the allow-list; applying it is the host's business. */
export class TorchCallable extends PickleSymbol {
  readonly description: string;
  constructor(name: string) {
    super();
    this.description = name;
  }
}

/** `torch.HalfStorage` and its kin; without a dtype it is the untyped one, whose items are bytes. */
export class StorageClass extends PickleSymbol {
  readonly description = 'a storage class';
  readonly dtype: TensorDtype | undefined;
  constructor(dtype: TensorDtype | undefined) {
    super();
    this.dtype = dtype;
  }
}

/** `torch.Tensor` or `Parameter`, where a pickle says which class a tensor was. */
export class TensorClass extends PickleSymbol {
  readonly description = 'a tensor class';
}

export class DtypeSymbol extends PickleSymbol {
  readonly description = 'a dtype';
  readonly dtype: TensorDtype;
  constructor(dtype: TensorDtype) {
    super();
    this.dtype = dtype;
  }
}

/** A run of items in the file; tensors are views of it and may share it. */
export class StorageSymbol extends PickleSymbol {
  readonly description = 'a storage';
  readonly key: string;
  readonly dtype: TensorDtype | undefined;
  readonly items: number;
  readonly bytes: number;
  constructor(facts: Omit<StorageSymbol, 'description'>) {
    super();
    this.key = facts.key;
    this.dtype = facts.dtype;
    this.items = facts.items;
    this.bytes = facts.bytes;
  }
}

/** A checked view of a storage: `storageOffset` and `strides` in items. */
export class TensorSymbol extends PickleSymbol {
  readonly description = 'a tensor';
  readonly storage: StorageSymbol;
  readonly dtype: TensorDtype;
  readonly storageOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(facts: Omit<TensorSymbol, 'description'>) {
    super();
    this.storage = facts.storage;
    this.dtype = facts.dtype;
    this.storageOffset = facts.storageOffset;
    this.shape = facts.shape;
    this.strides = facts.strides;
  }
}

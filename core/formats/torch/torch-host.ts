import { corruptAt, unsupportedAt } from '../byte-source.ts';
import {
  PickleDict,
  type PickleSymbol,
  showValue,
  type PickleHost,
  type PickleTuple,
  type PickleValue,
} from './pickle-values.ts';
import { StorageTable } from './storage-table.ts';
import { torchApplications } from './torch-applications.ts';
import { isTypeOfTorchAlone, storageClasses, torchDtypes } from './torch-dtypes.ts';
import { DtypeSymbol, StorageClass, TensorClass, TorchCallable } from './torch-symbols.ts';

// `_rebuild_tensor_v2` takes seven.
const maxArguments = 16;

const torch = 'torch.';

/** Classes and dtypes that a pickle may name, by their full names. */
const types: ReadonlyMap<string, PickleSymbol> = new Map<string, PickleSymbol>([
  ['torch.Tensor', new TensorClass()],
  ['torch._tensor.Tensor', new TensorClass()],
  ['torch.nn.parameter.Parameter', new TensorClass()],
  ['torch.storage.UntypedStorage', new StorageClass(undefined)],
  ['torch.UntypedStorage', new StorageClass(undefined)],
  ...[...storageClasses].map(([name, dtype]) => [torch + name, new StorageClass(dtype)] as const),
  ...[...torchDtypes].map(([name, dtype]) => [torch + name, new DtypeSymbol(dtype)] as const),
]);

/**
 * Gives a torch pickle its meaning, from an allow-list (torch/_weights_only_unpickler.py has the model of it, narrower
 * here). A global outside the list is refused by name and never looked up.
 */
export class TorchHost implements PickleHost {
  readonly storages: StorageTable;
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.storages = new StorageTable(file);
  }

  resolveGlobal(name: string, offset: number): PickleValue {
    if (torchApplications.has(name)) return new TorchCallable(name);
    const type = types.get(name);
    if (type !== undefined) return type;
    const place = { file: this.#file, offset };
    const shown = showValue(name);
    const details = { global: name.slice(0, 200) };
    if (name.startsWith(torch) && isTypeOfTorchAlone(name.slice(torch.length))) {
      const hint = 'Save these tensors in another dtype, then convert.';
      throw unsupportedAt(place, `the pickle uses ${shown}, which safetensors has no dtype for`, {
        hint,
        details,
      });
    }
    const hint = 'Loading this file in Python could run that code. Ask its publisher for safetensors.';
    throw unsupportedAt(place, `the pickle names ${shown}, which no weight file needs`, { hint, details });
  }

  apply(callable: PickleValue, args: PickleTuple, offset: number): PickleValue {
    const place = { file: this.#file, offset };
    if (args.items.length > maxArguments)
      throw corruptAt(place.file, offset, `the pickle applies something to ${args.items.length} arguments`);
    const application =
      callable instanceof TorchCallable ? torchApplications.get(callable.description) : undefined;
    if (application === undefined) throw unsupportedAt(place, `the pickle applies ${showValue(callable)}`);
    return application(args.items, place);
  }

  loadPersistent(id: PickleValue, offset: number): PickleValue {
    return this.storages.load(id, offset);
  }

  /** A state dict carries `_metadata` as an attribute: harmless and unused. */
  acceptState(target: PickleValue, offset: number): void {
    if (target instanceof PickleDict) return;
    throw unsupportedAt({ file: this.#file, offset }, `the pickle changes the state of ${showValue(target)}`);
  }
}

import { corruptAt, unsupportedAt } from '../byte-source.ts';
import {
  PickleDict,
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
    if (name === 'torch.storage.UntypedStorage' || name === 'torch.UntypedStorage')
      return new StorageClass(undefined);
    if (name === 'torch.Tensor' || name === 'torch._tensor.Tensor' || name === 'torch.nn.parameter.Parameter')
      return new TensorClass();
    const member = name.startsWith('torch.') ? name.slice('torch.'.length) : '';
    const storage = storageClasses.get(member);
    if (storage !== undefined) return new StorageClass(storage);
    const dtype = torchDtypes.get(member);
    if (dtype !== undefined) return new DtypeSymbol(dtype);
    if (isTypeOfTorchAlone(member)) {
      throw unsupportedAt(
        { file: this.#file, offset },
        `the pickle uses ${showValue(name)}, which safetensors has no dtype for`,
        { hint: 'Save these tensors in another dtype, then convert.', details: { global: name } },
      );
    }
    throw unsupportedAt(
      { file: this.#file, offset },
      `the pickle names ${showValue(name)}, which no weight file needs`,
      {
        hint: 'Loading this file in Python could run that code. Ask its publisher for safetensors.',
        details: { global: name.slice(0, 200) },
      },
    );
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

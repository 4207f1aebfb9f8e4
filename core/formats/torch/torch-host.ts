import { corruptAt, unsupportedAt } from '../byte-source.ts';
import { dtypeBits } from '../tensor.ts';
import { PickleDict, PickleList, PickleTuple, describeValue, type PickleHost, type PickleValue } from './pickle-values.ts';
import { rebuildTensor } from './rebuild-tensor.ts';
import { storageClasses, torchDtypes } from './torch-dtypes.ts';
import { DtypeSymbol, StorageClass, StorageSymbol, TensorSymbol, TorchCallable } from './torch-symbols.ts';

type Application = (args: readonly PickleValue[], place: { file: string; offset: number }) => PickleValue;

/** The only globals that may be applied, and what each yields. Nothing here runs anything. */
const applications: ReadonlyMap<string, Application> = new Map<string, Application>([
  ['collections.OrderedDict', (args, place) => makeDict(args, place)],
  ['torch._utils._rebuild_tensor_v2', (args, place) => rebuildTensor(args, place)],
  ['torch._utils._rebuild_tensor_v3', (args, place) => rebuildTensor(args, place)],
  ['torch._utils._rebuild_parameter', (args, place) => unwrapParameter(args, place)],
  ['torch.Size', (args, place) => makeSize(args, place)],
]);

/**
 * Gives a torch pickle its meaning, from an allow-list (torch/_weights_only_unpickler.py has the model of it, narrower
 * here). A global outside the list is refused by name and never looked up.
 */
export class TorchHost implements PickleHost {
  readonly storages = new Map<string, StorageSymbol>();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  readonly resolveGlobal = (name: string, offset: number): PickleValue => {
    if (applications.has(name)) return new TorchCallable(name);
    if (name === 'torch.storage.UntypedStorage' || name === 'torch.UntypedStorage') return new StorageClass(undefined);
    const member = name.startsWith('torch.') ? name.slice('torch.'.length) : '';
    const storage = storageClasses.get(member);
    if (storage !== undefined) return new StorageClass(storage);
    const dtype = torchDtypes.get(member);
    if (dtype !== undefined) return new DtypeSymbol(dtype);
    throw unsupportedAt({ file: this.#file, offset }, `the pickle names ${JSON.stringify(name.slice(0, 200))}, which no weight file needs`, {
      hint: 'Loading this file in Python could run that code. Ask its publisher for safetensors.',
      details: { global: name.slice(0, 200) },
    });
  };

  readonly apply = (callable: PickleValue, args: PickleTuple, offset: number): PickleValue => {
    const place = { file: this.#file, offset };
    const application = callable instanceof TorchCallable ? applications.get(callable.description) : undefined;
    if (application === undefined) throw unsupportedAt(place, `the pickle applies ${describeValue(callable)}`);
    return application(args.items, place);
  };

  /** `('storage', class, key, location, numel)`, with a sixth item in the legacy form (torch/serialization.py). */
  readonly loadPersistent = (id: PickleValue, offset: number): PickleValue => {
    const fail = (problem: string) => corruptAt(this.#file, offset, `a storage ${problem}`);
    const [tag, type, key, , count, view] = id instanceof PickleTuple ? id.items : [];
    if (tag !== 'storage' || !(type instanceof StorageClass) || typeof key !== 'string') throw fail('has no proper identity');
    if (view !== undefined && view !== null) throw unsupportedAt({ file: this.#file, offset }, 'a storage is a view of another one');
    const items = typeof count === 'number' && count >= 0 ? count : NaN;
    const bytes = items * (type.dtype === undefined ? 1 : dtypeBits[type.dtype] / 8);
    if (!Number.isSafeInteger(bytes)) throw fail(`has ${String(count)} items`);
    const known = this.storages.get(key);
    if (known?.dtype === type.dtype && known?.bytes === bytes) return known;
    const storage = new StorageSymbol({ key, dtype: type.dtype, items, bytes });
    if (known === undefined) this.storages.set(key, storage);
    else if (known.bytes !== bytes) throw fail(`${JSON.stringify(key.slice(0, 200))} has two sizes, ${known.bytes} and ${bytes} bytes`);
    return storage;
  };

  /** A state dict carries `_metadata` as an attribute: harmless and unused. */
  readonly acceptState = (target: PickleValue, offset: number): void => {
    if (target instanceof PickleDict) return;
    throw unsupportedAt({ file: this.#file, offset }, `the pickle changes the state of ${describeValue(target)}`);
  };
}

function makeDict(args: readonly PickleValue[], place: { file: string; offset: number }): PickleDict {
  const dict = new PickleDict();
  const [pairs, ...rest] = args;
  if (pairs === undefined) return dict;
  if (rest.length > 0 || !(pairs instanceof PickleList)) throw corruptAt(place.file, place.offset, 'an OrderedDict is made of no list');
  for (const pair of pairs.items) {
    const items = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
    const [key, value] = items;
    if (items.length !== 2 || key === undefined || value === undefined || dict.entries.has(key)) {
      throw corruptAt(place.file, place.offset, 'an OrderedDict is made of malformed or repeated pairs');
    }
    dict.entries.set(key, value);
  }
  return dict;
}

function unwrapParameter(args: readonly PickleValue[], place: { file: string; offset: number }): PickleValue {
  const [tensor] = args;
  if (tensor instanceof TensorSymbol) return tensor;
  throw corruptAt(place.file, place.offset, 'a Parameter wraps no tensor');
}

function makeSize(args: readonly PickleValue[], place: { file: string; offset: number }): PickleValue {
  const [items] = args;
  if (items instanceof PickleTuple) return items;
  if (items instanceof PickleList) return new PickleTuple(items.items);
  throw corruptAt(place.file, place.offset, 'a torch.Size has no items');
}

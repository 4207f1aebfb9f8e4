import { BuildFailure } from '../../domain/failures.ts';
import { baseName } from '../byte-source.ts';
import { dtypeBits, isRowMajor, type WeightTensor } from '../tensor.ts';
import { PickleDict, PickleList, PickleTuple, type PickleValue } from './pickle-values.ts';
import { TensorSymbol, type StorageSymbol } from './torch-symbols.ts';

export interface TorchWeights {
  /** In the order of the dictionary. */
  readonly tensors: readonly WeightTensor[];
  /** Entries that are no tensors and were passed over, in words. */
  readonly notices: readonly string[];
}

export interface StateDictPlace {
  readonly file: string;
  /** Keys that lead to the state dict inside a training checkpoint, separated by `/`; absent for a plain one. */
  readonly root: string | undefined;
  /** Offset of a storage's first byte in the file. */
  readonly locate: (storage: StorageSymbol) => number;
}

/**
 * Turns the dictionary of a torch file into a tensor table. A checkpoint that keeps its state dict under a key is not
 * guessed at: it is WeightsUnsupported with the possible roots named.
 */
export function readStateDict(value: PickleValue, place: StateDictPlace): TorchWeights {
  const dict = descend(value, place);
  const tensors: WeightTensor[] = [];
  const skipped: string[] = [];
  const owners = new Map<string, string>();
  for (const [key, item] of dict.entries) {
    if (typeof key === 'string' && item instanceof TensorSymbol) {
      tensors.push(toWeightTensor(key, item, { place, owners }));
    } else if (holdsTensors(item)) {
      throw askForRoot(dict, place);
    } else {
      skipped.push(typeof key === 'string' ? key : 'an entry without a text for its name');
    }
  }
  return {
    tensors,
    notices: skipped.map((key) => `${baseName(place.file)}: ${key} is no tensor and was left out`),
  };
}

function descend(value: PickleValue, place: StateDictPlace): PickleDict {
  let current = value;
  for (const key of place.root?.split('/') ?? []) {
    const next = current instanceof PickleDict ? current.entries.get(key) : undefined;
    if (next === undefined) {
      throw current instanceof PickleDict
        ? askForRoot(current, place)
        : new BuildFailure(
            'WeightsUnsupported',
            `${baseName(place.file)} has no dictionary on the way to ${place.root}`,
          );
    }
    current = next;
  }
  if (current instanceof PickleDict) return current;
  throw new BuildFailure('WeightsUnsupported', `${baseName(place.file)} holds no dictionary of tensors`);
}

/** Looks one level deep only, so that a structure that contains itself cannot keep it busy. */
function holdsTensors(value: PickleValue): boolean {
  if (value instanceof TensorSymbol) return true;
  if (value instanceof PickleDict)
    return [...value.entries.values()].some((item) => item instanceof TensorSymbol);
  const items = value instanceof PickleList || value instanceof PickleTuple ? value.items : [];
  return items.some((item) => item instanceof TensorSymbol);
}

function askForRoot(dict: PickleDict, place: StateDictPlace): BuildFailure {
  const roots = [...dict.entries].flatMap(([key, item]) =>
    typeof key === 'string' && item instanceof PickleDict && holdsTensors(item) ? [key] : [],
  );
  const asked =
    place.root === undefined
      ? 'keeps its tensors deeper than its first level'
      : `has no state dict under ${place.root}`;
  const choice = roots.length > 0 ? `; dictionaries of tensors: ${roots.slice(0, 10).join(', ')}` : '';
  return new BuildFailure('WeightsUnsupported', `${baseName(place.file)} ${asked}${choice}`, {
    hint: 'Name the key of the state dict with --root.',
    details: { file: place.file, roots },
  });
}

function toWeightTensor(
  name: string,
  symbol: TensorSymbol,
  { place, owners }: { place: StateDictPlace; owners: Map<string, string> },
): WeightTensor {
  const { dtype, shape, strides, storage, storageOffset } = symbol;
  const itemBytes = dtypeBits[dtype] / 8;
  const bytes = shape.reduce((product, size) => product * size, itemBytes);
  const offset = place.locate(storage) + storageOffset * itemBytes;
  const identity = [offset, dtype, shape.join(), strides.join()].join(' ');
  const owner = bytes === 0 ? undefined : owners.get(identity);
  if (owner === undefined) owners.set(identity, name);
  return {
    name,
    dtype,
    shape,
    bytes,
    file: place.file,
    offset,
    ...(isRowMajor(shape, strides) ? {} : { strides }),
    ...(owner === undefined ? {} : { aliasOf: owner }),
  };
}

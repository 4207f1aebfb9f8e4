import { BuildFailure } from '../../domain/failures.ts';
import type { InputCheck } from '../../domain/weights-plan.ts';
import { baseName, unsupportedAt } from '../byte-source.ts';
import { isRowMajor, type WeightTensor } from '../tensor.ts';
import { PickleDict, PickleList, PickleTuple, type PickleValue } from './pickle-values.ts';
import { findRoots } from './find-roots.ts';
import { fromTorchShape, torchItemBytes } from './torch-dtypes.ts';
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
  readonly locate: (storage: StorageSymbol) => StoragePlace;
}

export interface StoragePlace {
  /** Of the first byte, from the start of the file. */
  readonly offset: number;
  readonly check?: InputCheck;
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
  const storages = new Map<string, number>();
  for (const [key, item] of dict.entries) {
    if (typeof key === 'string' && item instanceof TensorSymbol) {
      tensors.push(toWeightTensor(key, item, { place, owners }));
      storages.set(item.storage.key, item.storage.bytes);
    } else if (holdsTensors(item)) {
      throw askForRoot(dict, place, keysOf(place));
    } else {
      skipped.push(describeKey(key));
    }
  }
  if (tensors.length === 0 && findRoots(dict).length > 0) throw askForRoot(dict, place, keysOf(place));
  checkGrowth(tensors, storages, place.file);
  return {
    tensors,
    notices: skipped.map((key) => `${baseName(place.file)}: ${key} is no tensor and was left out`),
  };
}

function keysOf({ root }: StateDictPlace): readonly string[] {
  return root === undefined ? [] : root.split('/');
}

function describeKey(key: PickleValue): string {
  return typeof key === 'string' ? key : 'an entry without a text for its name';
}

// Views of views are real, a hundredfold of them is an attack on the disk that takes them apart.
const maxGrowth = 8;
const freeGrowthBytes = 2 ** 30;

/** Each tensor fits its storage; all of them together must not be out of proportion to what is stored either. */
function checkGrowth(
  tensors: readonly WeightTensor[],
  storages: ReadonlyMap<string, number>,
  file: string,
): void {
  const apart = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const stored = [...storages.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (apart <= maxGrowth * stored + freeGrowthBytes) return;
  throw unsupportedAt(
    { file, offset: 0 },
    `its tensors take ${apart} bytes in all, over ${stored} stored ones`,
  );
}

function descend(value: PickleValue, place: StateDictPlace): PickleDict {
  let current = value;
  const walked: string[] = [];
  for (const key of keysOf(place)) {
    const next = current instanceof PickleDict ? current.entries.get(key) : undefined;
    if (next === undefined) {
      throw current instanceof PickleDict
        ? askForRoot(current, place, walked)
        : new BuildFailure(
            'WeightsUnsupported',
            `${baseName(place.file)} has no dictionary on the way to ${place.root}`,
          );
    }
    current = next;
    walked.push(key);
  }
  if (current instanceof PickleDict) return current;
  throw new BuildFailure('WeightsUnsupported', `${baseName(place.file)} holds no dictionary of tensors`);
}

// One container may stand under a million names, and is looked through once.
const searched = new WeakMap<object, boolean>();

/** Looks one level deep only, so that a structure that contains itself cannot keep it busy. */
function holdsTensors(value: PickleValue): boolean {
  if (value instanceof TensorSymbol) return true;
  if (typeof value !== 'object' || value === null) return false;
  const holds = searched.get(value) ?? searchForTensors(value);
  searched.set(value, holds);
  return holds;
}

function searchForTensors(value: PickleValue): boolean {
  if (value instanceof PickleDict)
    return [...value.entries.values()].some((item) => item instanceof TensorSymbol);
  const items = value instanceof PickleList || value instanceof PickleTuple ? value.items : [];
  return items.some((item) => item instanceof TensorSymbol);
}

/** `walked`: the keys that lead to `dict`. */
function askForRoot(dict: PickleDict, place: StateDictPlace, walked: readonly string[]): BuildFailure {
  const found = findRoots(dict);
  const [largest] = found.toSorted((a, b) => b.tensors - a.tensors);
  const whole = (path: string): string => [...walked, path].join('/');
  const roots = found.map(({ path }) => whole(path));
  const asked =
    place.root === undefined
      ? 'keeps its tensors deeper than its first level'
      : `has no state dict under ${place.root}`;
  const choice = roots.length > 0 ? `; dictionaries of tensors: ${roots.slice(0, 10).join(', ')}` : '';
  return new BuildFailure('WeightsUnsupported', `${baseName(place.file)} ${asked}${choice}`, {
    hint: `Name the key of the state dict with --root${largest === undefined ? '' : `, perhaps --root ${whole(largest.path)}`}.`,
    details: { file: place.file, roots },
  });
}

function toWeightTensor(
  name: string,
  symbol: TensorSymbol,
  { place, owners }: { place: StateDictPlace; owners: Map<string, string> },
): WeightTensor {
  const { dtype, shape, strides, storage, storageOffset } = symbol;
  const itemBytes = torchItemBytes(dtype) ?? NaN;
  const bytes = shape.reduce((product, size) => product * size, itemBytes);
  const { offset: start, ...stored } = place.locate(storage);
  const offset = start + storageOffset * itemBytes;
  const isPlain = isRowMajor(shape, strides);
  const shown = fromTorchShape(dtype, shape) ?? shape;
  if (!isPlain && shown !== shape)
    throw unsupportedAt({ file: place.file, offset }, `${name} is a strided view of packed ${dtype} items`);
  const identity = [offset, dtype, shape.join(), isPlain ? '' : strides.join()].join(' ');
  const owner = bytes === 0 ? undefined : owners.get(identity);
  if (owner === undefined) owners.set(identity, name);
  return {
    name,
    dtype,
    shape: shown,
    bytes,
    file: place.file,
    offset,
    ...(isPlain ? {} : { strides }),
    ...(owner === undefined ? {} : { aliasOf: owner }),
    ...stored,
  };
}

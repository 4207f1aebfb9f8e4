import { corruptAt, unsupportedAt } from '../byte-source.ts';
import { PickleDict, PickleList, PickleTuple, type PickleValue } from './pickle-values.ts';
import { rebuildTensor } from './rebuild-tensor.ts';
import { TensorClass, TensorSymbol, TorchCallable } from './torch-symbols.ts';

interface Place {
  readonly file: string;
  readonly offset: number;
}

type Application = (args: readonly PickleValue[], place: Place) => PickleValue;

/** What makes tensors (torch/_utils.py); the first is of files before torch 0.4. */
const rebuilders: readonly (readonly [string, Application])[] = [
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTensor],
  ['torch._utils._rebuild_parameter', unwrapParameter],
  ['torch._utils._rebuild_parameter_with_state', unwrapParameter],
];
const rebuilderOf = new Map(rebuilders);

/** The only globals that may be applied, and what each yields. Nothing here runs anything. */
export const torchApplications: ReadonlyMap<string, Application> = new Map<string, Application>([
  ['collections.OrderedDict', makeDict],
  ...rebuilders,
  ['torch._tensor._rebuild_from_type_v2', unwrapTyped],
  ['torch.Size', makeSize],
]);

function makeDict([pairs, ...rest]: readonly PickleValue[], place: Place): PickleDict {
  const dict = new PickleDict();
  if (pairs === undefined) return dict;
  if (rest.length > 0 || !(pairs instanceof PickleList))
    throw corruptAt(place.file, place.offset, 'an OrderedDict is made of no list');
  for (const pair of pairs.items) {
    const [key, value] = readPair(pair, place);
    if (dict.entries.has(key)) throw corruptAt(place.file, place.offset, 'an OrderedDict has a key twice');
    dict.entries.set(key, value);
  }
  return dict;
}

function readPair(pair: PickleValue, place: Place): readonly [PickleValue, PickleValue] {
  const items = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
  const [key, value, ...rest] = items;
  if (key !== undefined && value !== undefined && rest.length === 0) return [key, value];
  throw corruptAt(place.file, place.offset, 'an OrderedDict is made of something else than pairs');
}

function unwrapParameter([tensor]: readonly PickleValue[], place: Place): TensorSymbol {
  if (tensor instanceof TensorSymbol) return tensor;
  throw corruptAt(place.file, place.offset, 'a Parameter wraps no tensor');
}

/** `_rebuild_from_type_v2(function, class, arguments, state)`: a tensor that Python attributes were hung on. */
function unwrapTyped([maker, type, args]: readonly PickleValue[], place: Place): PickleValue {
  const rebuild = maker instanceof TorchCallable ? rebuilderOf.get(maker.description) : undefined;
  if (rebuild !== undefined && type instanceof TensorClass && args instanceof PickleTuple)
    return rebuild(args.items, place);
  throw unsupportedAt(place, 'a tensor is of a class of its own');
}

function makeSize([items]: readonly PickleValue[], place: Place): PickleTuple {
  if (items instanceof PickleTuple) return items;
  if (items instanceof PickleList) return new PickleTuple(items.items);
  throw corruptAt(place.file, place.offset, 'a torch.Size has no items');
}

import { BuildFailure } from '../../domain/failures.ts';
import type { MergePiece } from '../../domain/weights-plan.ts';
import type { PlannedTensor } from '../pieces.ts';
import type { WeightTensor } from '../tensor.ts';
import { isEmbedding, isOutputLayer } from '../tied-tensors.ts';
import { scaleOf } from './adapter-config.ts';
import { mismatch, sortAdapterTensors, type Adapter, type LoraPair } from './adapter-tensors.ts';
import { MergeState, matrixOf } from './merge-state.ts';
import { settleTying, tieOutputLayer } from './tying.ts';

export interface MergeRequest {
  readonly base: readonly WeightTensor[];
  /** Applied in this order. */
  readonly adapters: readonly Adapter[];
  readonly rounding: MergePiece['rounding'];
  /** `vocab_size` and `tie_word_embeddings` of the base's config. */
  readonly vocabularySize: number | undefined;
  readonly tiesWordEmbeddings: boolean;
}

export interface MergedTensor extends PlannedTensor {
  /** The base file this tensor comes from; the merged model keeps the base's shards. */
  readonly home: string;
}

export interface MergePlan {
  readonly tensors: readonly MergedTensor[];
  /** Names that received at least one delta, and names that were replaced whole. */
  readonly merged: readonly string[];
  readonly replaced: readonly string[];
  /** Rows of the embedding before and after; undefined when the model has none that is known. */
  readonly vocabulary: { readonly before: number; readonly after: number } | undefined;
  /** The output layer can no longer be tied to the embedding. */
  readonly unties: boolean;
  readonly warnings: readonly string[];
}

interface Merging {
  readonly request: MergeRequest;
  readonly states: Map<string, MergeState>;
  readonly merged: Set<string>;
  readonly warnings: string[];
}

/**
 * Decides what every tensor of the merged model consists of, as peft's `merge_and_unload` would make it adapter by
 * adapter: W + weight · scale · B A, and tensors of modules_to_save replaced, in the base's dtype. Keys in the file say
 * what is adapted, the config says only how. Throws AdapterMismatch or AdapterUnsupported, naming key and shapes.
 */
export function planMerge(request: MergeRequest): MergePlan {
  if (request.adapters.length === 0) throw new BuildFailure('UsageInvalid', 'There is no adapter to merge');
  const tied = tieOutputLayer(request);
  const states = new Map(tied.map((tensor) => [tensor.name, new MergeState(tensor)]));
  const merging: Merging = { request, states, merged: new Set(), warnings: [] };
  for (const adapter of request.adapters) applyAdapter(adapter, merging);
  const replaced = [...states.values()].filter((state) => state.isReplaced).map(({ base }) => base.name);
  const { aliases, unties } = settleTying(states, request);
  if (unties)
    merging.warnings.push(
      'The adapter changes only one of embedding and output layer, so they are no longer tied',
    );
  const tensors = [...states.values()].map((state): MergedTensor => {
    const aliasOf = aliases.get(state.base.name);
    return {
      ...state.finish(request.rounding),
      home: state.base.file,
      ...(aliasOf === undefined ? {} : { aliasOf }),
    };
  });
  const vocabulary = measureVocabulary(merging, aliases);
  return { tensors, merged: [...merging.merged], replaced, vocabulary, unties, warnings: merging.warnings };
}

function applyAdapter(adapter: Adapter, merging: Merging): void {
  const { pairs, replacements } = sortAdapterTensors(adapter);
  if (!Number.isFinite(adapter.weight))
    throw new BuildFailure('UsageInvalid', `${adapter.label} has the weight ${adapter.weight}`);
  if (replacements.size > 0 && adapter.weight !== 1) {
    const [name] = replacements.keys();
    throw new BuildFailure(
      'AdapterUnsupported',
      `${adapter.label} replaces ${name} whole, so it cannot have the weight ${adapter.weight}`,
    );
  }
  warnAboutTargets(adapter, pairs, merging.warnings);
  for (const pair of pairs) applyPair(pair, adapter, merging);
  for (const [name, tensor] of replacements) replaceTensor({ name, tensor }, adapter, merging);
}

function applyPair(pair: LoraPair, adapter: Adapter, { states, merged, warnings }: Merging): void {
  const { module, a, b } = pair;
  const name = `${module}.weight`;
  const state = states.get(name);
  if (state === undefined) throw mismatch(adapter, `adapts ${module}, but the base has no tensor ${name}`);
  const { scale, columns, rows } = checkPair(pair, adapter, state.shape);
  const transpose = orient(adapter.config.fanInFanOut, state.shape, [rows, columns]);
  if (transpose === undefined) {
    throw mismatch(
      adapter,
      `makes a delta of ${list([rows, columns])} for ${module}, but the base has ${list(state.shape)}`,
    );
  }
  if (transpose !== adapter.config.fanInFanOut)
    warnings.push(`${adapter.label}: fan_in_fan_out does not fit the shape of ${module} and was corrected`);
  state.add({
    a: matrixOf(a),
    b: matrixOf(b),
    scale: adapter.weight * scale,
    ...(transpose ? { transpose } : {}),
  });
  merged.add(name);
}

/** A rank other than the config's would not only fail: where shapes happen to fit it would give a wrong scale. */
function checkPair({ module, a, b }: LoraPair, adapter: Adapter, base: readonly number[]) {
  const [aRank, columns, ...moreOfA] = a.shape;
  const [rows, bRank, ...moreOfB] = b.shape;
  const shapes = `A ${list(a.shape)} and B ${list(b.shape)}`;
  if (
    columns === undefined ||
    bRank === undefined ||
    rows === undefined ||
    moreOfA.length + moreOfB.length > 0 ||
    base.length !== 2
  ) {
    throw new BuildFailure(
      'AdapterUnsupported',
      `${adapter.label} adapts ${module} of shape ${list(base)} by ${shapes}; only matrices can be merged`,
    );
  }
  const { rank, scale } = scaleOf(adapter.config, module);
  if (aRank === rank && bRank === rank) return { scale, rows, columns };
  throw mismatch(adapter, `has ${shapes} for ${module}, but its config gives rank ${rank}`);
}

/** Whether the delta is to be transposed; the shapes correct a wrong flag, as peft's own loader does. */
function orient(
  flag: boolean,
  base: readonly number[],
  delta: readonly [number, number],
): boolean | undefined {
  const fits = (transpose: boolean): boolean => {
    const [rows, columns] = transpose ? delta.toReversed() : delta;
    return base[0] === rows && base[1] === columns;
  };
  if (fits(flag)) return flag;
  return fits(!flag) ? !flag : undefined;
}

function replaceTensor(
  replacement: { name: string; tensor: WeightTensor },
  adapter: Adapter,
  merging: Merging,
): void {
  const { name, tensor } = replacement;
  const state = merging.states.get(name);
  if (state === undefined) throw mismatch(adapter, `replaces ${name}, which the base does not have`);
  const mayGrow =
    isEmbedding(name) || isOutputLayer(name) || state.shape[0] === merging.request.vocabularySize;
  if (!canReplace(state.shape, tensor.shape, mayGrow ? 'rows' : 'nothing')) {
    throw mismatch(adapter, `replaces ${name} ${list(state.shape)} by a tensor of ${list(tensor.shape)}`);
  }
  if (tensor.dtype !== state.base.dtype)
    merging.warnings.push(`${adapter.label}: ${name} is rounded from ${tensor.dtype} to ${state.base.dtype}`);
  state.replaceBy(tensor);
  merging.merged.delete(name);
}

/** Rows may be added to a vocabulary but never taken away; everything else stays as large as it is. */
function canReplace(old: readonly number[], next: readonly number[], grows: 'rows' | 'nothing'): boolean {
  const sameColumns = old.length === next.length && old.slice(1).join() === next.slice(1).join();
  const [oldRows = 0, nextRows = 0] = [old[0], next[0]];
  return sameColumns && (nextRows === oldRows || (grows === 'rows' && nextRows > oldRows));
}

/** A target without a tensor hints at an adapter that was saved only in part. */
function warnAboutTargets({ config, label }: Adapter, pairs: readonly LoraPair[], warnings: string[]): void {
  const absent = (config.targetModules ?? []).filter(
    (target) => !pairs.some(({ module }) => module === target || module.endsWith(`.${target}`)),
  );
  if (absent.length > 0) warnings.push(`${label}: no tensors for the target modules ${absent.join(', ')}`);
}

/** Embedding and output layer must end with equally many rows, or the model could not be loaded. */
function measureVocabulary(
  { states, request }: Merging,
  aliases: ReadonlyMap<string, string>,
): MergePlan['vocabulary'] {
  const layers = [...states.values()].filter(
    ({ base }) => (isEmbedding(base.name) || isOutputLayer(base.name)) && !aliases.has(base.name),
  );
  const grown = [...states.values()].find(({ base, shape }) => shape[0] !== base.shape[0]);
  const before = request.vocabularySize ?? layers[0]?.base.shape[0];
  if (before === undefined) return undefined;
  const after = grown?.shape[0] ?? before;
  const left = grown === undefined ? undefined : layers.find(({ shape }) => shape[0] !== after);
  if (left === undefined) return { before, after };
  throw new BuildFailure(
    'AdapterMismatch',
    `The adapter brings ${after} rows for ${grown?.base.name}, but ${left.base.name} has ${left.shape[0]}`,
    {
      hint: 'Train with both embedding and output layer in modules_to_save.',
    },
  );
}

function list(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

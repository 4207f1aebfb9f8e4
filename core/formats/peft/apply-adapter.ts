import { BuildFailure } from '../../domain/failures.ts';
import type { LowRankChange, MatrixRange } from '../../domain/weights-plan.ts';
import type { WeightTensor } from '../tensor.ts';
import { isEmbedding, isOutputLayer } from '../embedding-names.ts';
import { scaleOf } from './adapter-config.ts';
import {
  mismatch,
  sortAdapterTensors,
  type Adapter,
  type LoraPair,
  type TrainedRows,
} from './adapter-tensors.ts';
import { spreadOverExperts } from './expert-pairs.ts';
import { matrixOf, type MergeState } from './merge-state.ts';
import { transposes } from './orientation.ts';

/** The merged model while it is being planned. */
export interface Merging {
  readonly states: ReadonlyMap<string, MergeState>;
  /** From an adapter's name of a tensor or module to the base's. */
  readonly resolve: (name: string) => string;
  /** Names that received a change. */
  readonly merged: Set<string>;
  readonly warnings: string[];
  /** `vocab_size` and `model_type` of the base's config. */
  readonly vocabularySize: number | undefined;
  readonly modelType: string | undefined;
}

/**
 * Applies one adapter as peft's `merge_and_unload` does: the tensors it was trained on, then deltas, then rows and whole
 * tensors. Throws AdapterMismatch or AdapterUnsupported, naming key and shapes.
 */
export function applyAdapter(adapter: Adapter, merging: Merging): void {
  const { pairs, replacements, baseLayers, rows } = sortAdapterTensors(adapter);
  refuseWeight(adapter, [...replacements.keys(), ...rows.map(({ module }) => `rows of ${module}`)]);
  warnAboutTargets(adapter, pairs, merging.warnings);
  refuseAbsent(adapter, pairs, merging);
  for (const [name, tensor] of baseLayers) replaceBaseLayer({ name, tensor }, adapter, merging);
  for (const pair of pairs) applyPair(pair, adapter, merging);
  for (const trained of rows) replaceRows(trained, adapter, merging);
  for (const [name, tensor] of replacements) replaceTensor({ name, tensor }, adapter, merging);
}

function refuseWeight({ label, weight, config }: Adapter, whole: readonly string[]): void {
  if (!Number.isFinite(weight)) throw new BuildFailure('UsageInvalid', `${label} has the weight ${weight}`);
  const what = whole[0] ?? (config.usesDora ? 'the lengths of rows' : undefined);
  if (what === undefined || weight === 1) return;
  throw new BuildFailure(
    'AdapterUnsupported',
    `${label} replaces ${what} whole, so it cannot have the weight ${weight}`,
  );
}

function applyPair(pair: LoraPair, adapter: Adapter, merging: Merging): void {
  const { module, bias } = pair;
  const experts = spreadOverExperts({ ...pair, module: merging.resolve(module) }, adapter, merging.states);
  if (experts !== undefined) {
    const { scale } = scaleOf(adapter.config, module);
    // The delta is cast to the parameter's dtype first (peft `ParamWrapper.get_delta_weight`).
    for (const { name, a, b } of experts) {
      const change = { kind: 'low-rank', a, b, scale: adapter.weight * scale, roundsDelta: true } as const;
      merging.states.get(name)?.change(change);
      merging.merged.add(name);
    }
    return;
  }
  const name = merging.resolve(`${module}.weight`);
  const state = merging.states.get(name);
  if (state === undefined) throw absent(adapter, [module]);
  state.change(changeFor(pair, state, { adapter, merging }));
  merging.merged.add(name);
  if (bias !== undefined) addBias({ module, bias }, adapter, merging);
}

/** All of them at once: one name alone does not show that the adapter was trained under other names. */
function refuseAbsent(adapter: Adapter, pairs: readonly LoraPair[], { states, resolve }: Merging): void {
  if (adapter.config.targetParameters.length > 0) return;
  const modules = pairs.map(({ module }) => module);
  const missing = modules.filter((module) => !states.has(resolve(`${module}.weight`)));
  if (missing.length > 0) throw absent(adapter, missing);
}

const mostListed = 20;

function absent(adapter: Adapter, modules: readonly string[]): BuildFailure {
  const [first = ''] = modules;
  const more = modules.length > mostListed ? ` and ${modules.length - mostListed} more` : '';
  const listed = `${modules.slice(0, mostListed).join(', ')}${more}`;
  const tensors = modules.length === 1 ? `no tensor ${first}.weight` : 'no tensors of these names';
  return mismatch(adapter, `adapts ${listed}, but the base has ${tensors}`);
}

function changeFor(
  pair: LoraPair,
  state: MergeState,
  { adapter, merging }: { adapter: Adapter; merging: Merging },
): LowRankChange {
  const { a, b, of, magnitude } = pair;
  const { scale, columns, rows } = checkPair(pair, adapter, state.shape);
  const transpose = orient(pair, { delta: [rows, columns], base: state.shape, adapter, merging });
  const lengths = magnitude && lengthsFor({ pair, rows, magnitude }, adapter);
  return {
    kind: 'low-rank',
    a: matrixOf(a),
    b: matrixOf(b),
    scale: adapter.weight * scale,
    ...(transpose ? { transpose } : {}),
    // peft casts the delta of an embedding to the weight's dtype in every mode (peft tuners/lora/layer.py, `Embedding`).
    ...(of === 'embedding' && lengths === undefined ? { roundsDelta: true } : {}),
    ...(lengths === undefined ? {} : { magnitude: lengths }),
  };
}

interface Orienting {
  /** [rows, columns] of B A. */
  readonly delta: readonly [number, number];
  readonly base: readonly number[];
  readonly adapter: Adapter;
  readonly merging: Merging;
}

function orient({ module, of }: LoraPair, { delta, base, adapter, merging }: Orienting): boolean {
  const { modelType, warnings } = merging;
  const flag = of === 'embedding' || adapter.config.fanInFanOut;
  const transpose =
    of === 'embedding' ? isTurned(base, delta) : transposes({ module, flag, modelType, base, delta });
  if (transpose === undefined)
    throw mismatch(adapter, `makes a delta of ${list(delta)} for ${module}, but the base has ${list(base)}`);
  if (transpose !== flag)
    warnings.push(`${adapter.label}: fan_in_fan_out does not fit ${module} and was corrected`);
  return transpose;
}

function lengthsFor(
  { pair, rows, magnitude }: { pair: LoraPair; rows: number; magnitude: WeightTensor },
  adapter: Adapter,
): MatrixRange {
  const { shape } = magnitude;
  if (shape.reduce((items, size) => items * size, 1) === rows)
    return { ...matrixOf(magnitude), rows: 1, columns: rows };
  throw mismatch(adapter, `has a magnitude of ${list(shape)} for ${pair.module}, which needs ${rows}`);
}

/** An embedding's factors always make the transpose of its weight [vocabulary, width]. */
function isTurned(base: readonly number[], [rows, columns]: readonly [number, number]): true | undefined {
  return base[0] === columns && base[1] === rows ? true : undefined;
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

function addBias(
  { module, bias }: { module: string; bias: WeightTensor },
  adapter: Adapter,
  { states, merged, resolve }: Merging,
): void {
  const name = resolve(`${module}.bias`);
  const state = states.get(name);
  if (state === undefined)
    throw mismatch(adapter, `has a bias of lora_B for ${module}, but the base has no ${name}`);
  if (state.shape.join() !== bias.shape.join())
    throw mismatch(adapter, `adds a bias of ${list(bias.shape)} to ${name} ${list(state.shape)}`);
  const { scale } = scaleOf(adapter.config, module);
  state.change({ kind: 'add', matrix: matrixOf(bias), scale: adapter.weight * scale });
  merged.add(name);
}

function replaceRows(
  { module, tensor, rows }: TrainedRows,
  adapter: Adapter,
  { states, merged, resolve }: Merging,
): void {
  const name = resolve(`${module}.weight`);
  const state = states.get(name);
  if (state === undefined)
    throw mismatch(adapter, `has trained rows of ${module}, but the base has no ${name}`);
  const [have = 0, width] = state.shape;
  const outside = rows.find((row) => row >= have);
  if (outside !== undefined)
    throw mismatch(adapter, `has trained row ${outside} of ${name}, which has ${have}`);
  if (tensor.shape.length !== 2 || tensor.shape[0] !== rows.length || tensor.shape[1] !== width)
    throw mismatch(
      adapter,
      `has ${list(tensor.shape)} for ${rows.length} rows of ${name} ${list(state.shape)}`,
    );
  state.change({ kind: 'rows', source: matrixOf(tensor), rows });
  merged.add(name);
}

interface Replacement {
  readonly name: string;
  readonly tensor: WeightTensor;
}

/** The base of a tied pair has one tensor for both names, and so has what it was replaced by before training. */
function replaceBaseLayer(replacement: Replacement, adapter: Adapter, merging: Merging): void {
  const { tensor } = replacement;
  const name = merging.resolve(replacement.name);
  const names = [...merging.states.values()]
    .filter(({ base }) => base.name === name || base.aliasOf === name)
    .map(({ base }) => base.name);
  const owner = merging.states.get(name)?.base.aliasOf;
  for (const each of new Set([name, ...names, ...(owner === undefined ? [] : [owner])]))
    replaceTensor({ name: each, tensor }, adapter, merging);
}

function replaceTensor(replacement: Replacement, adapter: Adapter, merging: Merging): void {
  const { tensor } = replacement;
  const name = merging.resolve(replacement.name);
  const state = merging.states.get(name);
  if (state === undefined) throw mismatch(adapter, `replaces ${name}, which the base does not have`);
  const mayGrow = isEmbedding(name) || isOutputLayer(name) || state.shape[0] === merging.vocabularySize;
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

function list(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

import { basename } from 'node:path';
import type { Digest } from '../../core/domain/artifact.ts';
import type { TensorSpec, WeightTensor } from '../../core/formats/tensor.ts';
import { digestTensors, loadManifest } from './digest-weights.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

/** One of two that are compared: weights with their files, or the manifest of weights that are elsewhere. */
export interface ComparedSide {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  /** Absent for a manifest. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly digest: (names: readonly string[], scope: WeightsScope) => Promise<ReadonlyMap<string, Digest>>;
  readonly notices: readonly string[];
}

/** Weights or a manifest of them, by its ending `.json`. `root`: the key of the state dict, if it is a checkpoint with it. */
export interface SideChoice {
  readonly path: string;
  readonly root?: string;
}

/** Failures as openWeights. */
export async function openSide({ path, root }: SideChoice): Promise<ComparedSide> {
  if (path.endsWith('.json')) return sideOfManifest(path);
  const opened = await openWeights(path, root === undefined ? {} : { root });
  const tensors = byName(opened.tensors);
  return {
    specs: tensors,
    tensors,
    digest: (names, scope) =>
      digestTensors(
        names.flatMap((name) => tensors.get(name) ?? []),
        scope,
      ),
    notices: [...opened.notices, ...describeAliases(opened)],
  };
}

async function sideOfManifest(path: string): Promise<ComparedSide> {
  const { tensors } = await loadManifest(path);
  const digests = new Map([...tensors].map(([name, { sha256 }]) => [name, sha256]));
  const specs = [...tensors].map(([name, { dtype, shape }]) => [name, { name, dtype, shape }] as const);
  return { specs: new Map(specs), tensors: new Map(), digest: async () => digests, notices: [] };
}

/** A name that a safetensors file only records stands for the tensor it shared its bytes with. */
function describeAliases({ format, tensors, folder }: OpenedWeights): string[] {
  if (format === 'bin') return [];
  return tensors
    .filter(({ aliasOf }) => aliasOf !== undefined)
    .map(({ name, aliasOf }) => `${basename(folder)}: ${name} is recorded as another name of ${aliasOf}`);
}

function byName(tensors: readonly WeightTensor[]): ReadonlyMap<string, WeightTensor> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

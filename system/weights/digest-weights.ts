import { BuildFailure } from '../../core/domain/failures.ts';
import type { Digest } from '../../core/domain/artifact.ts';
import type { DigestPlan } from '../../core/domain/weights-plan.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import { pieceOf } from '../../core/formats/pieces.ts';
import { maxIndexBytes } from '../../core/formats/shard-index.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import {
  readTensorManifest,
  rootText,
  type TensorDigest,
  type TensorManifest,
} from '../../core/formats/tensor-manifest.ts';
import { sha256OfText } from '../files/hash-file.ts';
import { digestWeights } from '../native-cli/run-weights.ts';
import { readSmallText } from './small-text.ts';
import type { WeightsScope } from './weights-scope.ts';

/** sha256 of every tensor's items in row-major order, by name; names that share bytes are read once. */
export async function digestTensors(
  tensors: readonly WeightTensor[],
  scope: WeightsScope,
): Promise<ReadonlyMap<string, Digest>> {
  const given = new Set(tensors.map(({ name }) => name));
  const isShared = ({ aliasOf }: WeightTensor): boolean => aliasOf !== undefined && given.has(aliasOf);
  const owned = tensors.filter((tensor) => !isShared(tensor));
  if (owned.length === 0) return new Map();
  const plan: DigestPlan = { version: 1, inputs: owned.map(pieceOf), checks: checksOf(owned) };
  const digests = await digestWeights(plan, scope, scope.executable);
  return new Map(
    tensors.flatMap((tensor) => {
      const digest = digests.get(isShared(tensor) ? (tensor.aliasOf ?? '') : tensor.name);
      return digest === undefined ? [] : [[tensor.name, digest]];
    }),
  );
}

/** The manifest of all tensors: what a set of weights is, whatever files and format hold it. */
export async function digestManifest(
  tensors: readonly WeightTensor[],
  scope: WeightsScope,
): Promise<TensorManifest> {
  const digests = await digestTensors(tensors, scope);
  return toManifest(
    new Map(
      tensors.flatMap(({ name, dtype, shape }) => {
        const sha256 = digests.get(name);
        return sha256 === undefined ? [] : [[name, { dtype, shape, sha256 }]];
      }),
    ),
  );
}

export function toManifest(tensors: ReadonlyMap<string, TensorDigest>): TensorManifest {
  return { root: sha256OfText(rootText(tensors)), tensors };
}

/** A manifest that was written earlier. WeightsCorrupt if its root does not stand for its lines. */
export async function loadManifest(file: string): Promise<TensorManifest> {
  const manifest = readTensorManifest(await readSmallText(file, maxIndexBytes), file);
  if (toManifest(manifest.tensors).root === manifest.root) return manifest;
  throw new BuildFailure('WeightsCorrupt', `${file}: the root is not that of its tensors`);
}

import { join } from 'node:path';
import type { Digest } from '../../core/domain/artifact.ts';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { canonicalJson } from '../../core/domain/json.ts';
import { plannedOf } from '../../core/formats/pieces.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { settleAliases } from '../../core/formats/tied-tensors.ts';
import { sha256OfFile, sha256OfText } from '../files/hash-file.ts';
import { listCompanions, readConfigFacts } from './companions.ts';
import { digestManifest } from './digest-weights.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

/**
 * What the weights of a folder are, whatever format, shards and order hold them: sha256 over the root of their tensors
 * (core/formats/tensor-manifest.ts) and the sha256 of each file beside them, because config and tokenizer decide what the
 * tensors mean. An output layer that the config ties to the embedding does not count: one format holds it, another does
 * not. Null where the folder holds no weights that can be opened; the step that needs them says why. Throws WeightsCorrupt
 * where a storage of a `.bin` has not the CRC-32 that its archive tells, which ends the step that made the folder.
 */
export async function identifyWeights(folder: string, scope: WeightsScope): Promise<Digest | null> {
  const opened = await openWeights(folder).catch((error: unknown) => {
    if (isBuildFailure(error)) return null;
    throw error;
  });
  if (opened === null || opened.tensors.length === 0) return null;
  const { root } = await digestManifest(await ownTensors(opened), scope);
  const files: { [path: string]: Digest } = {};
  for (const path of await listCompanions(folder)) files[path] = await sha256OfFile(join(folder, path));
  return sha256OfText(canonicalJson({ root, files }));
}

/** Without the output layer that loaders tie again. */
async function ownTensors({ folder, tensors }: OpenedWeights): Promise<readonly WeightTensor[]> {
  const { tiesWordEmbeddings } = await readConfigFacts(folder);
  const policy = { format: 'safetensors', tiesWordEmbeddings: tiesWordEmbeddings ?? false } as const;
  const { dropped } = settleAliases(tensors.map(plannedOf), policy);
  return tensors.filter(({ name }) => !dropped.has(name));
}

import { isEmbedding, isOutputLayer } from './embedding-names.ts';
import type { PlannedTensor } from './pieces.ts';
import type { WeightFormat } from './weight-files.ts';

/** What became of names that share one tensor's bytes. */
export interface SettledAliases {
  readonly tensors: readonly PlannedTensor[];
  /** Dropped name → the name that keeps the bytes; goes into the metadata of safetensors. */
  readonly dropped: ReadonlyMap<string, string>;
}

export interface AliasPolicy {
  readonly format: WeightFormat;
  /** `tie_word_embeddings` of the model's config. */
  readonly tiesWordEmbeddings: boolean;
}

/**
 * safetensors cannot share bytes. An output layer tied to the embedding is dropped when the config says that loaders
 * tie it again, and recorded the way the reference converter does (safetensors torch.py, `_remove_duplicate_names`);
 * every other alias is written out in full, which is always right and only larger. `.bin` shares one storage.
 */
export function settleAliases(tensors: readonly PlannedTensor[], policy: AliasPolicy): SettledAliases {
  const dropped = new Map<string, string>();
  if (policy.format === 'bin') return { tensors, dropped };
  const kept: PlannedTensor[] = [];
  for (const { aliasOf, ...tensor } of preferEmbedding(tensors)) {
    if (aliasOf !== undefined && policy.tiesWordEmbeddings && isOutputLayer(tensor.name))
      dropped.set(tensor.name, aliasOf);
    else kept.push(tensor);
  }
  return { tensors: kept, dropped };
}

/** If the output layer came first in the file it owns the bytes; the name loaders read is the embedding's. */
function preferEmbedding(tensors: readonly PlannedTensor[]): readonly PlannedTensor[] {
  const heirs = tensors.filter(({ aliasOf }) => aliasOf !== undefined && isOutputLayer(aliasOf));
  const embedding = heirs.find(({ name }) => isEmbedding(name)) ?? heirs[0];
  if (embedding === undefined) return tensors;
  const head = embedding.aliasOf;
  return tensors.map((tensor) => {
    const { aliasOf, ...owner } = tensor;
    if (tensor === embedding) return owner;
    return tensor.name === head || aliasOf === head ? { ...tensor, aliasOf: embedding.name } : tensor;
  });
}

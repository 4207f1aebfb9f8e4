import type { WeightTensor } from './tensor.ts';

/**
 * Names that a safetensors file records in its metadata as sharing another tensor's bytes (removed name → kept name,
 * the convention of safetensors torch.py), as tensors of their own. Other metadata is left alone: `format` names the
 * framework, whatever tensors are called.
 */
export function recordedAliases(
  tensors: readonly WeightTensor[],
  metadata: ReadonlyMap<string, string>,
): WeightTensor[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return [...metadata].flatMap(([removed, kept]) => {
    const owner = byName.get(kept);
    return owner === undefined || byName.has(removed) || removed === 'format'
      ? []
      : [{ ...owner, name: removed, aliasOf: kept }];
  });
}

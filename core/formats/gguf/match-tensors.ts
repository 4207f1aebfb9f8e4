import type { FamilyTensor } from '../../catalog/families/contract.ts';
import { BuildFailure } from '../../domain/failures.ts';
import type { FloatDtype } from '../../domain/weights-plan.ts';
import { isFloatDtype, type WeightTensor } from '../tensor.ts';

/** A contiguous tensor of floats in a file. */
export type FloatTensor = WeightTensor & { readonly dtype: FloatDtype };

export interface MatchedTensor {
  readonly declared: FamilyTensor;
  readonly source: FloatTensor;
}

// Recomputed from config.json by every engine; checkpoints of 2023 still carry them.
const recomputed = /\.rotary_emb\.inv_freq$/;

/**
 * Pairs a model's tensors with what its family declares, in the family's order. A tensor the family does not have, one
 * that is missing, one of another shape than config.json says: each is WeightsUnsupported naming it. Of a tied model the
 * output matrix is left out.
 */
export function matchTensors(
  declared: readonly FamilyTensor[],
  sources: readonly WeightTensor[],
): MatchedTensor[] {
  const byName = new Map(sources.map((source) => [source.name, source]));
  const matched: MatchedTensor[] = [];
  for (const tensor of declared) {
    const source = byName.get(tensor.name);
    byName.delete(tensor.name);
    if (source !== undefined) matched.push({ declared: tensor, source: checkSource(tensor.shape, source) });
    else if (tensor.optional === undefined)
      throw unsupported(`the model has no tensor ${tensor.name}`, { missing: tensor.name });
  }
  const isTied = declared.every((tensor) => tensor.name !== outputMatrix);
  for (const name of byName.keys()) {
    if (recomputed.test(name) || (isTied && name === outputMatrix)) continue;
    throw unsupported(`the family has no place for the tensor ${name}`, { unmapped: name });
  }
  return matched;
}

const outputMatrix = 'lm_head.weight';

/** The tensor itself when it is contiguous, of floats and of the expected shape. */
export function checkSource(expected: readonly number[], source: WeightTensor): FloatTensor {
  const { name, dtype, shape } = source;
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    const text = `tensor ${name} is [${shape.join(', ')}], but config.json makes it [${expected.join(', ')}]`;
    throw unsupported(text, { tensor: name });
  }
  if (source.strides !== undefined)
    throw unsupported(`tensor ${name} is a view; convert it to safetensors first`, { tensor: name });
  if (!isFloatDtype(dtype))
    throw unsupported(`tensor ${name} is ${dtype}, which is no float to convert`, { tensor: name });
  return { ...source, dtype };
}

function unsupported(message: string, details: { readonly [name: string]: string }): BuildFailure {
  return new BuildFailure('WeightsUnsupported', message, {
    hint: 'Check that config.json belongs to these weights.',
    details,
  });
}

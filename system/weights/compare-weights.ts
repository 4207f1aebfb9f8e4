import { pieceOf } from '../../core/formats/pieces.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { digestWeights } from '../native-cli/run-weights.ts';
import type { Comparison } from './contract.ts';
import { openWeights } from './open-weights.ts';
import { partOfScope, type WeightsScope } from './weights-scope.ts';

type Difference = Comparison['differences'][number];

/**
 * Compares two sets of weights tensor by tensor, in whatever formats they are: names both ways, dtype, shape, and the
 * sha256 of the contiguous bytes, so that NaN and −0 count as what they are.
 */
export async function compareWeights(a: string, b: string, scope: WeightsScope): Promise<Comparison> {
  const [left, right] = await Promise.all([openWeights(a), openWeights(b)]);
  const rights = byName(right.tensors);
  const lefts = byName(left.tensors);
  const differences: Difference[] = [];
  const pairs: { left: WeightTensor; right: WeightTensor }[] = [];
  for (const tensor of left.tensors) {
    const other = rights.get(tensor.name);
    const reason = other === undefined ? 'only in the first' : compareSpecs(tensor, other);
    if (reason !== undefined) differences.push({ tensor: tensor.name, reason });
    else if (other !== undefined) pairs.push({ left: tensor, right: other });
  }
  for (const { name } of right.tensors)
    if (!lefts.has(name)) differences.push({ tensor: name, reason: 'only in the second' });
  const before = await digest(
    pairs.map((pair) => pair.left),
    partOfScope(scope, 0, 0.5),
  );
  const after = await digest(
    pairs.map((pair) => pair.right),
    partOfScope(scope, 0.5, 1),
  );
  for (const {
    left: { name },
  } of pairs) {
    if (before.get(name) !== after.get(name)) differences.push({ tensor: name, reason: 'the bytes differ' });
  }
  return { equal: differences.length === 0, differences, tensors: pairs.length };
}

function byName(tensors: readonly WeightTensor[]): Map<string, WeightTensor> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function compareSpecs(left: WeightTensor, right: WeightTensor): string | undefined {
  if (left.dtype !== right.dtype) return `dtype ${left.dtype} and ${right.dtype}`;
  const [one, other] = [left.shape.join(', '), right.shape.join(', ')];
  return one === other ? undefined : `shape [${one}] and [${other}]`;
}

/** sha256 of every tensor's contiguous bytes, by name. */
export async function digest(
  tensors: readonly WeightTensor[],
  scope: WeightsScope,
): Promise<ReadonlyMap<string, string>> {
  if (tensors.length === 0) return new Map();
  return digestWeights({ version: 1, inputs: tensors.map(pieceOf) }, scope, scope.executable);
}

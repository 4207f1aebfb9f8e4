import type { Digest } from '../../core/domain/artifact.ts';
import type { TensorSpec } from '../../core/formats/tensor.ts';
import { openSide, type ComparedSide, type SideChoice } from './compared-side.ts';
import type { Comparison } from './contract.ts';
import { countItemDifferences } from './count-item-differences.ts';
import { toManifest } from './digest-weights.ts';
import { partOfScope, type WeightsScope } from './weights-scope.ts';

type Difference = Comparison['differences'][number];

/** Counting items is for people to read; what is beyond stays counted as different. */
const countedTensors = 20;
const countedBytes = 1 << 28;

/**
 * Compares two sets of weights tensor by tensor, in whatever formats they are: names both ways, dtype, shape, and the
 * sha256 of the contiguous bytes, so that NaN and −0 count as what they are. Either may be a manifest of tensors.
 */
export async function compareWeights(
  a: string | SideChoice,
  b: string | SideChoice,
  scope: WeightsScope,
): Promise<Comparison> {
  const [left, right] = await Promise.all([openSide(chooseSide(a)), openSide(chooseSide(b))]);
  const differences = compareSpecs(left, right);
  const told = new Set(differences.map(({ tensor }) => tensor));
  const names = [...left.specs.keys()].filter((name) => !told.has(name));
  const before = await left.digest(names, partOfScope(scope, 0, 0.5));
  const after = await right.digest(names, partOfScope(scope, 0.5, 1));
  const unequal = names.filter((name) => before.get(name) !== after.get(name));
  differences.push(...(await describeItems(unequal, { left, right, signal: scope.signal })));
  const equal = differences.length === 0;
  return {
    equal,
    differences,
    tensors: names.length,
    root: equal ? rootOf(left, before) : null,
    notices: [...left.notices, ...right.notices],
  };
}

function chooseSide(side: string | SideChoice): SideChoice {
  return typeof side === 'string' ? { path: side } : side;
}

function compareSpecs(left: ComparedSide, right: ComparedSide): Difference[] {
  const differences: Difference[] = [];
  for (const [name, spec] of left.specs) {
    const other = right.specs.get(name);
    const reason = other === undefined ? `only in the first${sharing(left, name)}` : differ(spec, other);
    if (reason !== undefined) differences.push({ tensor: name, reason });
  }
  for (const name of right.specs.keys()) {
    const isNew = !left.specs.has(name);
    if (isNew) differences.push({ tensor: name, reason: `only in the second${sharing(right, name)}` });
  }
  return differences;
}

function sharing({ tensors }: ComparedSide, name: string): string {
  const owner =
    tensors.get(name)?.aliasOf ?? [...tensors.values()].find(({ aliasOf }) => aliasOf === name)?.name;
  return owner === undefined ? '' : `, where it shares the bytes of ${owner}`;
}

function differ(left: TensorSpec, right: TensorSpec): string | undefined {
  if (left.dtype !== right.dtype) return `dtype ${left.dtype} and ${right.dtype}`;
  const [one, other] = [left.shape.join(', '), right.shape.join(', ')];
  return one === other ? undefined : `shape [${one}] and [${other}]`;
}

interface Sides {
  readonly left: ComparedSide;
  readonly right: ComparedSide;
  readonly signal: AbortSignal;
}

async function describeItems(
  names: readonly string[],
  { left, right, signal }: Sides,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  let counted = 0;
  for (const [index, tensor] of names.entries()) {
    const [one, other] = [left.tensors.get(tensor), right.tensors.get(tensor)];
    counted += one?.bytes ?? 0;
    const isCheap = index < countedTensors && counted <= countedBytes;
    const items =
      isCheap && one !== undefined && other !== undefined
        ? await countItemDifferences(one, other, signal)
        : undefined;
    const reason = 'the bytes differ';
    differences.push(items === undefined ? { tensor, reason } : { tensor, reason, ...items });
  }
  return differences;
}

function rootOf({ specs }: ComparedSide, digests: ReadonlyMap<string, Digest>): Digest {
  const lines = [...specs].flatMap(([name, { dtype, shape }]) => {
    const sha256 = digests.get(name);
    return sha256 === undefined ? [] : [[name, { dtype, shape, sha256 }] as const];
  });
  return toManifest(new Map(lines)).root;
}

import { PickleDict } from './pickle-values.ts';
import { TensorSymbol } from './torch-symbols.ts';

// Checkpoints of trainers nest three levels; one that contains itself must not keep the search busy.
const maxDepth = 5;
const maxEntries = 1_000_000;

/** A dictionary inside another whose own entries are tensors. */
export interface RootCandidate {
  /** Keys that lead to it, separated by `/`. */
  readonly path: string;
  readonly tensors: number;
}

/** The dictionaries of tensors below one, the shallow ones first; those under keys that are no texts stay out. */
export function findRoots(dict: PickleDict): RootCandidate[] {
  const found: RootCandidate[] = [];
  const seen = new Set<PickleDict>([dict]);
  let level: { path: string; dict: PickleDict }[] = [{ path: '', dict }];
  let looked = 0;
  for (let depth = 0; depth < maxDepth && looked < maxEntries; depth += 1) {
    const below: typeof level = [];
    for (const { path, dict: parent } of level) {
      looked += parent.entries.size;
      for (const child of childrenOf(parent)) {
        if (seen.has(child.dict)) continue;
        seen.add(child.dict);
        const own = { path: path === '' ? child.key : `${path}/${child.key}`, dict: child.dict };
        const tensors = countTensors(child.dict);
        if (tensors > 0) found.push({ path: own.path, tensors });
        below.push(own);
      }
    }
    level = below;
  }
  return found;
}

function childrenOf({ entries }: PickleDict): { key: string; dict: PickleDict }[] {
  return [...entries].flatMap(([key, item]) =>
    typeof key === 'string' && !key.includes('/') && item instanceof PickleDict ? [{ key, dict: item }] : [],
  );
}

function countTensors({ entries }: PickleDict): number {
  let count = 0;
  for (const item of entries.values()) if (item instanceof TensorSymbol) count += 1;
  return count;
}

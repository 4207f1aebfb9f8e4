import type { IntegerLinear } from './quantized-linear.ts';
import { corruptLinear, groupsOf } from './stored-form.ts';

/**
 * The group of each column, or undefined when columns are grouped in their order. −1 throughout is how
 * compressed-tensors marks an index that is not in use. WeightsCorrupt for a group that has no scale.
 */
export function readGroupIndex(bytes: Uint8Array, linear: IntegerLinear): Int32Array | undefined {
  const { module, columns, group } = linear;
  const index = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const groups = groupsOf(columns, group);
  const isNatural = index.every(
    (found, column) => found === (group === null ? 0 : Math.floor(column / group)),
  );
  if (isNatural || index.every((found) => found === -1)) return undefined;
  const wrong = index.find((found) => found < 0 || found >= groups);
  if (wrong === undefined) return index;
  throw corruptLinear(module, `has a column in group ${wrong} of ${groups}`);
}

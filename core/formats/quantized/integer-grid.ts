import type { IntegerGrid } from '../../domain/quantize-pieces.ts';
import type { QuantizationScheme } from './scheme.ts';

/** The grid of a layout that holds integers only; `checkScheme` has refused all others before. */
export function integerGridOf({ grid, layout }: QuantizationScheme): IntegerGrid {
  if (grid.kind === 'integer') return grid;
  throw new TypeError(`${layout} holds integers only`);
}

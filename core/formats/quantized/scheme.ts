import { BuildFailure } from '../../domain/failures.ts';
import type { Grid, IntegerGrid } from '../../domain/quantize-pieces.ts';

/** What a quantized folder looks like on disk. `gptq_v2` differs from `gptq` only in how zero points are stored. */
export const quantizedLayouts = ['compressed-tensors', 'gptq', 'gptq_v2', 'awq'] as const;
export type QuantizedLayout = (typeof quantizedLayouts)[number];

/** How all linears of a model are quantized, and how that is stored. */
export interface QuantizationScheme {
  readonly grid: Grid;
  readonly layout: QuantizedLayout;
  /**
   * Whether engines also quantize what goes into a linear, anew for every token and with the weights' own type:
   * `dynamic` (W8A8), or `none` (weight only).
   */
  readonly activations: 'none' | 'dynamic';
}

/** Throws UsageInvalid for a combination that no format can hold or no engine reads. */
export function checkScheme({ grid, layout, activations }: QuantizationScheme): void {
  if (layout !== 'compressed-tensors') checkIntegerLayout(grid, layout);
  if (grid.kind === 'integer') checkGroup(grid);
  if (grid.kind === 'fp8') checkBlock(grid.block);
  if (activations === 'dynamic' && !canQuantizeActivations(grid, layout))
    throw refused(
      'activations can only be quantized with int8 (symmetric, whole rows) or fp8 weights as compressed-tensors',
    );
  if (activations === 'none' && isBlocked(grid))
    throw refused('fp8 in blocks is only read together with dynamic activations');
}

/** FP8 with a scale for each block of rows and columns. */
export function isBlocked(grid: Grid): boolean {
  return grid.kind === 'fp8' && grid.block[0] !== null && grid.block[0] !== 1;
}

function checkIntegerLayout(grid: Grid, layout: QuantizedLayout): void {
  if (grid.kind !== 'integer') throw refused(`the layout ${layout} holds integers only, not ${grid.kind}`);
  if (layout === 'awq' && grid.bits !== 4) throw refused('the layout awq holds 4 bits only');
  // It stores zero − 1: a zero of 0 wraps around, and readers do not all undo that. gptq_v2 was made for this.
  if (layout === 'gptq' && !grid.symmetric)
    throw refused('the layout gptq cannot hold every zero point; gptq_v2 can');
}

function checkGroup({ group }: IntegerGrid): void {
  if (group === null || (Number.isSafeInteger(group) && group >= 8 && group % 8 === 0)) return;
  throw refused(`a group of ${group} columns is not a multiple of 8`);
}

/** The three forms that formats have a name for: per tensor, per row, 128 × 128. */
function checkBlock([rows, columns]: readonly [number | null, number | null]): void {
  const known =
    (rows === null && columns === null) ||
    (rows === 1 && columns === null) ||
    (rows === 128 && columns === 128);
  if (!known)
    throw refused(
      `fp8 has no form with a scale for each ${rows ?? 'all'} rows and ${columns ?? 'all'} columns`,
    );
}

function canQuantizeActivations(grid: Grid, layout: QuantizedLayout): boolean {
  if (layout !== 'compressed-tensors') return false;
  if (grid.kind === 'fp8') return true;
  return grid.kind === 'integer' && grid.bits === 8 && grid.symmetric && grid.group === null;
}

function refused(problem: string): BuildFailure {
  return new BuildFailure('UsageInvalid', `This cannot be written: ${problem}`);
}

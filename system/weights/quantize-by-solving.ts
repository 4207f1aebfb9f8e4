import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import type { ScaleDtype } from '../../core/formats/quantized/format.ts';
import { quantizedFormats } from '../../core/formats/quantized/formats.ts';
import { matrixOf } from '../../core/formats/quantized/linear-pieces.ts';
import { withScratchBeside } from './assemble-folder.ts';
import {
  openForQuantizing,
  type QuantizeReport,
  type QuantizeRequest,
  quantizeWeights,
} from './quantize-weights.ts';
import { type Solved, solveQuantization } from './solve-quantization.ts';
import { partOfScope, type WeightsScope } from './weights-scope.ts';

export interface SolvingRequest extends Omit<QuantizeRequest, 'solved'> {
  /** What a calibration left, see statistics-file.ts. */
  readonly statisticsFile: string;
  readonly method: SolveMethod;
}

export type SolvedReport = QuantizeReport & {
  /** Error of all outputs together against that of plain rounding: below 1 is what the method gained. */
  readonly outputError: number;
};

// Packing what was found is copying; nearly all time goes into finding it.
const solvingShare = 0.9;

/**
 * Quantizes a model with codes that a method finds by the statistics of captured activations. Throws what
 * `quantizeWeights` and `solveQuantization` throw, and UsageInvalid for a scheme without integers.
 */
export function quantizeBySolving(request: SolvingRequest, scope: WeightsScope): Promise<SolvedReport> {
  const { from, to, scheme, exclude = [], statisticsFile, method } = request;
  return withScratchBeside(to, async (scratch) => {
    const grid = integersOf(request);
    const scaleDtype = request.scaleDtype ?? (await scaleDtypeOf(request));
    const solved = join(scratch, 'solved.safetensors');
    const found = await solveQuantization(
      { modelFolder: from, statisticsFile, out: solved, grid, exclude, scaleDtype, method },
      partOfScope(scope, 0, solvingShare),
    );
    const report = await quantizeWeights(
      { from, to, scheme, exclude, scaleDtype, solved },
      partOfScope(scope, solvingShare, 1),
    );
    const errors = found.errors.map(({ event: _event, ...error }) => error);
    const worst = errors.toSorted((a, b) => b.relativeFrobenius - a.relativeFrobenius);
    return { ...report, worst, outputError: ratioOf(found.outputs) };
  });
}

function integersOf({ scheme: { grid }, method }: SolvingRequest): IntegerGrid {
  if (grid.kind === 'integer') return grid;
  throw new BuildFailure('UsageInvalid', `${method.kind} finds integers, and ${grid.kind} stores floats`);
}

/** One for all linears: the format's own choice, or what the first linear is stored in. */
async function scaleDtypeOf(request: SolvingRequest): Promise<ScaleDtype> {
  const { scales } = quantizedFormats[request.scheme.layout];
  if (scales !== 'matrix') return scales;
  const { opened, plan } = await openForQuantizing(request);
  const [module] = plan.modules.quantized;
  const weight = opened.tensors.find(({ name }) => name === `${module}.weight`);
  const dtype = weight === undefined ? 'F32' : matrixOf(weight).dtype;
  return dtype === 'F64' ? 'F32' : dtype;
}

function ratioOf(outputs: Solved['outputs']): number {
  const sum = (pick: (output: Solved['outputs'][number]) => number): number =>
    outputs.reduce((total, output) => total + pick(output), 0);
  const rounded = sum(({ roundedError }) => roundedError);
  return rounded === 0 ? 1 : sum(({ error }) => error) / rounded;
}

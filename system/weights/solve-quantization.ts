import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { IntegerGrid, QuantizedEvent } from '../../core/domain/quantize-pieces.ts';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import type { ScaleDtype } from '../../core/formats/quantized/format.ts';
import { parseModelConfig } from '../../core/formats/quantized/config-file.ts';
import { listLinearModules } from '../../core/formats/quantized/linear-modules.ts';
import { planSolving } from '../../core/formats/quantized/plan-solving.ts';
import { type SolvedLinearError, solveLinears } from '../native-cli/run-weights.ts';
import { openWeights } from './open-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

export interface SolveRequest {
  readonly modelFolder: string;
  readonly statisticsFile: string;
  /** The solver's file, absolute; `quantizeWeights` takes it as `solved`. */
  readonly out: string;
  readonly grid: IntegerGrid;
  /** Patterns of linears that stay as they are. */
  readonly exclude?: readonly string[];
  readonly scaleDtype: ScaleDtype;
  readonly method: SolveMethod;
}

export interface Solved {
  /** Σ over calibration tokens of |(Ŵ − W) x|², of plain rounding and of what was found, by module. */
  readonly outputs: readonly SolvedLinearError[];
  /** How far the weights moved. */
  readonly errors: readonly QuantizedEvent[];
}

const Inputs = z.record(z.string(), z.string());

/** Finds codes for every linear of a model by looking at the statistics of what it is given. */
export async function solveQuantization(request: SolveRequest, scope: WeightsScope): Promise<Solved> {
  const { modelFolder, statisticsFile, out, grid, exclude = [], scaleDtype, method } = request;
  const [model, statistics] = [await openWeights(modelFolder), await openWeights(statisticsFile)];
  const configFile = join(model.folder, 'config.json');
  const config = parseModelConfig(await readFile(configFile, 'utf8'), configFile);
  const plan = planSolving({
    tensors: model.tensors,
    statistics: statistics.tensors,
    inputs: readInputs(statistics.files[0]?.metadata.get('inputs'), statisticsFile),
    modules: listLinearModules(config, exclude).quantized,
    grid,
    scaleDtype,
    method,
    path: out,
  });
  return solveLinears(plan, scope, scope.executable);
}

function readInputs(text: string | undefined, file: string): ReadonlyMap<string, string> {
  try {
    return new Map(Object.entries(Inputs.parse(JSON.parse(text ?? ''))));
  } catch (error) {
    throw new BuildFailure('WeightsCorrupt', `${file} does not say whose inputs it describes`, {
      cause: error,
    });
  }
}

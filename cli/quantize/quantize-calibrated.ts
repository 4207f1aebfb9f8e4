import { join } from 'node:path';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import { isFolder } from '../../system/files/read-write.ts';
import type { EngineToolchain } from '../../system/toolchains/contract.ts';
import { withScratchBeside } from '../../system/weights/assemble-folder.ts';
import { quantizeBySolving, type SolvedReport } from '../../system/weights/quantize-by-solving.ts';
import { openForQuantizing, type QuantizeRequest } from '../../system/weights/quantize-weights.ts';
import { statisticsFile } from '../../system/weights/statistics-file.ts';
import { partOfScope, type WeightsScope } from '../../system/weights/weights-scope.ts';
import { calibrate } from './calibrate.ts';
import type { ChosenSolver } from './choose-method.ts';

export interface CalibratedRequest {
  readonly request: QuantizeRequest;
  readonly solver: ChosenSolver;
  /** What looks at activations; asked for only where there are no statistics yet. */
  readonly toolchain: () => EngineToolchain;
}

export type CalibratedReport = SolvedReport & { readonly method: SolveMethod };

const calibratingShare = 0.5;

/** Quantizes by a method that looks at activations. Whatever is only needed meanwhile lies beside the new folder. */
export async function quantizeCalibrated(
  { request, solver, toolchain }: CalibratedRequest,
  scope: WeightsScope,
): Promise<CalibratedReport> {
  const { method, look } = solver;
  return withScratchBeside(request.to, async (folder) => {
    // What cannot be quantized is refused before anything takes long.
    await openForQuantizing(request);
    if ('statistics' in look) {
      const file = await findStatistics(look.statistics);
      return { ...(await quantizeBySolving({ ...request, method, statisticsFile: file }, scope)), method };
    }
    const looking = { modelFolder: request.from, calibration: look.calibration, folder };
    const file = await calibrate(looking, toolchain(), partOfScope(scope, 0, calibratingShare));
    const solving = { ...request, method, statisticsFile: file };
    return { ...(await quantizeBySolving(solving, partOfScope(scope, calibratingShare, 1))), method };
  });
}

async function findStatistics(path: string): Promise<string> {
  return (await isFolder(path)) ? join(path, statisticsFile) : path;
}

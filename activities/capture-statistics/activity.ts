import { BuildFailure } from '../../core/domain/failures.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { readText } from '../../system/datasets/read-dataset.ts';
import type { StepDeps } from '../step-deps.ts';
import { captureStatistics, type CaptureStatisticsInput } from './contract.ts';

export function createCaptureStatistics({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: CaptureStatisticsInput): Promise<StepResult<'statistics'>> =>
    runStep(captureStatistics, input, async (scope) => {
      const { dataset, window, windows, seed } = input.calibration;
      const tool = toolchain(input.toolchain);
      if (tool.captureStatistics === undefined)
        throw new BuildFailure('InternalError', `${input.toolchain} cannot look at activations`);
      const checkpointFolder = await scope.folderOf(input.checkpoint);
      const modelFolder = await scope.folderOf(input.model);
      const source = await readText(await scope.folderOf(dataset));
      const request = { checkpointFolder, modelFolder, source, window, windows, seed, out: scope.out };
      return tool.captureStatistics(request, scope);
    });
}

import { join } from 'node:path';
import type { StepResult } from '../../core/domain/step.ts';
import { writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import { measureEngine, type MeasureEngineInput } from './contract.ts';

/** Stores raw samples only: every figure is recomputed from them. */
export function createMeasureEngine({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: MeasureEngineInput): Promise<StepResult<'measurement'>> =>
    runStep(measureEngine, input, async (scope) => {
      const engineFolder = await scope.folderOf(input.engine);
      const samples = await toolchain(input.toolchain).measure(
        { engineFolder, plan: input.benchmark },
        scope,
      );
      await writeJson(join(scope.out, 'measurement.json'), samples);
      return { requests: samples.points.reduce((sum, point) => sum + point.requests.length, 0) };
    });
}

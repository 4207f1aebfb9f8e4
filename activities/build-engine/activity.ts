import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { buildEngine, type BuildEngineInput } from './contract.ts';

export function createBuildEngine({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: BuildEngineInput): Promise<StepResult<'engine'>> =>
    runStep(buildEngine, input, async (scope) => {
      const checkpointFolder = await scope.folderOf(input.checkpoint);
      const adapters = await Promise.all(
        input.adapters.map(async ({ checkpoint, weight }) => ({
          folder: await scope.folderOf(checkpoint),
          weight,
        })),
      );
      const request = { checkpointFolder, adapters, out: scope.out, parameters: input.parameters };
      return toolchain(input.toolchain).buildEngine(request, scope);
    });
}

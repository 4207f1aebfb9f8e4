import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { convertCheckpoint, type ConvertCheckpointInput } from './contract.ts';

export function createConvertCheckpoint({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: ConvertCheckpointInput): Promise<StepResult<'checkpoint'>> =>
    runStep(convertCheckpoint, input, async (scope) => {
      const modelFolder = await scope.folderOf(input.model);
      const { parameters } = input;
      return toolchain(input.toolchain).convertCheckpoint({ modelFolder, out: scope.out, parameters }, scope);
    });
}

import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { convertAdapter, type ConvertAdapterInput } from './contract.ts';

export function createConvertAdapter({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: ConvertAdapterInput): Promise<StepResult<'checkpoint'>> =>
    runStep(convertAdapter, input, async (scope) => {
      const [adapterFolder, baseFolder] = await Promise.all([
        scope.folderOf(input.adapter),
        scope.folderOf(input.base),
      ]);
      return toolchain(input.toolchain).convertAdapter({ adapterFolder, baseFolder, out: scope.out }, scope);
    });
}

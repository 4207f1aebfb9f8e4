import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { convertWeights, type ConvertWeightsInput } from './contract.ts';

export function createConvertWeights({ runStep, weights }: Pick<StepDeps, 'runStep' | 'weights'>) {
  return (input: ConvertWeightsInput): Promise<StepResult<'weights'>> =>
    runStep(convertWeights, input, async (scope) =>
      weights.convert(
        { from: await scope.folderOf(input.snapshot), to: scope.out, format: input.format },
        scope,
      ),
    );
}

import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { quantize, type QuantizeInput } from './contract.ts';

export function createQuantize({ runStep, weights }: Pick<StepDeps, 'runStep' | 'weights'>) {
  return (input: QuantizeInput): Promise<StepResult<'quantized'>> =>
    runStep(quantize, input, async (scope) => {
      const { parameters, statistics } = input;
      const from = await scope.folderOf(input.model);
      const statisticsFolder = statistics === null ? null : await scope.folderOf(statistics);
      return weights.quantize({ from, statisticsFolder, parameters, out: scope.out }, scope);
    });
}

import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import { compareWeights, type CompareWeightsInput } from './contract.ts';

/** The proof is an artifact; its absence a failure: what differs is never passed on. */
export function createCompareWeights({ runStep, weights }: Pick<StepDeps, 'runStep' | 'weights'>) {
  return (input: CompareWeightsInput): Promise<StepResult<'comparison'>> =>
    runStep(compareWeights, input, async (scope) => {
      const [before, after] = await Promise.all([scope.folderOf(input.before), scope.folderOf(input.after)]);
      const comparison = await weights.compare(before, after, scope);
      const [first] = comparison.differences;
      if (!comparison.equal) {
        throw new BuildFailure(
          'WeightsDiffer',
          `${input.label}: ${first?.tensor ?? 'a tensor'} differs: ${first?.reason ?? ''}`,
          {
            details: { differences: comparison.differences.length },
          },
        );
      }
      await writeJson(join(scope.out, 'comparison.json'), comparison);
      return { equal: true, tensors: comparison.tensors, root: comparison.root };
    });
}

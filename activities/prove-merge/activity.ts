import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import { proveMerge, type ProveMergeInput } from './contract.ts';

/**
 * Rounding to 16 bits moves the logits of real models by thousandths of a nat; a wrong scale, order or tensor moves them by
 * tenths and more. Between the two lies room enough for one bound.
 */
const mostKld = 0.05;

/** A merge that changes what the model says is a failure: nothing is built from it. */
export function createProveMerge({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: ProveMergeInput): Promise<StepResult<'proof'>> =>
    runStep(proveMerge, input, async (scope) => {
      const [baseFolder, mergedFolder] = [
        await scope.folderOf(input.base),
        await scope.folderOf(input.model),
      ];
      const adapters = await Promise.all(
        input.adapters.map(async ({ weights, weight, label }) => ({
          folder: await scope.folderOf(weights),
          weight,
          label,
        })),
      );
      const { texts } = input;
      const request = { baseFolder, mergedFolder, adapters, texts, scratch: join(scope.out, 'scratch') };
      const proof = await toolchain(input.toolchain).proveMerge(request, scope);
      if (proof.unproven === null && proof.kldMean > mostKld) {
        throw new BuildFailure(
          'MergeNotProven',
          `the merged model diverges by ${proof.kldMean.toPrecision(3)} nats from its base with the adapters at run time`,
          { details: { ...proof } },
        );
      }
      await writeJson(join(scope.out, 'proof.json'), proof);
      return proof;
    });
}

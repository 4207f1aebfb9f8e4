import type { StepResult } from '../../core/domain/step.ts';
import type { StepDeps } from '../step-deps.ts';
import { mergeAdapters, type MergeAdaptersInput } from './contract.ts';

export function createMergeAdapters({ runStep, weights }: Pick<StepDeps, 'runStep' | 'weights'>) {
  return (input: MergeAdaptersInput): Promise<StepResult<'model'>> =>
    runStep(mergeAdapters, input, async (scope) => {
      const base = await scope.folderOf(input.base);
      const adapters = await Promise.all(
        input.adapters.map(async (adapter) => ({
          folder: await scope.folderOf(adapter.weights),
          weight: adapter.weight,
          label: adapter.label,
          // In the store every folder is called by its digest.
          source: adapter.label,
        })),
      );
      const { baseName = '', rounding, newRows, anyBase = false } = input;
      const named = baseName === '' ? {} : { baseName };
      return weights.merge({ base, ...named, adapters, out: scope.out, rounding, newRows, anyBase }, scope);
    });
}

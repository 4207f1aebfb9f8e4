import { join } from 'node:path';
import { writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { watchProgress } from '../watch-progress.ts';
import { resolveSource, type ResolveSourceInput } from './contract.ts';

/**
 * Asks for the commit each time – a branch moves – and lists its files once per commit: an unchanged source is
 * a cached listing.
 */
export function createResolveSource({ runStep, sourceFor }: Pick<StepDeps, 'runStep' | 'sourceFor'>) {
  return async (input: ResolveSourceInput): Promise<StepResult<'listing'>> => {
    const source = sourceFor(input.source);
    const watch = watchProgress(resolveSource.stallTimeoutMs);
    const commit = await source.resolve(watch).finally(watch.end);
    return runStep(resolveSource, { ...input, commit }, async (scope) => {
      const listing = await source.list(commit, scope);
      await writeJson(join(scope.out, 'listing.json'), listing);
      const bytes = listing.files.reduce((sum, file) => sum + file.bytes, 0);
      return { commit, files: listing.files.length, bytes };
    });
  };
}

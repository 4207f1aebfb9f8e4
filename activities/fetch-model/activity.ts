import { join } from 'node:path';
import type { StepResult } from '../../core/domain/step.ts';
import { readOwnJson } from '../../system/files/read-write.ts';
import type { Listing } from '../../system/sources/contract.ts';
import type { StepDeps } from '../step-deps.ts';
import { fetchModel, type FetchModelInput } from './contract.ts';

export function createFetchModel({ runStep, sourceFor }: Pick<StepDeps, 'runStep' | 'sourceFor'>) {
  return (input: FetchModelInput): Promise<StepResult<'snapshot'>> =>
    runStep(fetchModel, input, async (scope) => {
      const folder = await scope.folderOf(input.listing);
      const listing = await readOwnJson<Listing>(join(folder, 'listing.json'));
      return sourceFor(input.source).fetch(listing, scope.out, scope);
    });
}

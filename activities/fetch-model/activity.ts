import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepResult } from '../../core/domain/step.ts';
import type { Listing } from '../../system/sources/contract.ts';
import type { StepDeps } from '../step-deps.ts';
import { fetchModel, type FetchModelInput } from './contract.ts';

export function createFetchModel({ runStep, sourceFor }: Pick<StepDeps, 'runStep' | 'sourceFor'>) {
  return (input: FetchModelInput): Promise<StepResult<'snapshot'>> =>
    runStep(fetchModel, input, async (scope) => {
      const folder = await scope.folderOf(input.listing);
      const listing = JSON.parse(await readFile(join(folder, 'listing.json'), 'utf8')) as Listing;
      return sourceFor(input.source).fetch(listing, scope.out, scope);
    });
}

import { pointAlias } from '../../system/artifact-store/point-alias.ts';
import type { StepDeps } from '../step-deps.ts';
import type { PromoteInput, PromoteResult } from './contract.ts';

/** Safe to repeat: a retry after the entry was written changes nothing. */
export function createPromote(deps: Pick<StepDeps, 'store' | 'aliases'>) {
  return ({ alias, release, run, by, reason }: PromoteInput): Promise<PromoteResult> =>
    pointAlias(deps, { alias, release: release.digest, run, by, reason });
}

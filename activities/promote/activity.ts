import type { StepDeps } from '../step-deps.ts';
import type { PromoteInput, PromoteResult } from './contract.ts';

/**
 * Compare-and-set, and idempotent: a retry after the entry was written finds the alias there and changes nothing.
 * The release must be whole.
 */
export function createPromote({ store, aliases }: Pick<StepDeps, 'store' | 'aliases'>) {
  return async ({ alias, release, run, by, reason }: PromoteInput): Promise<PromoteResult> => {
    await store.verify(release.digest);
    const current = await aliases.current(alias);
    if (current?.release === release.digest) return { alias, sequence: current.sequence, changed: false };
    const entry = { alias, release: release.digest, run, by, reason, at: new Date().toISOString() };
    const { sequence } = await aliases.append(entry, current?.sequence ?? 0);
    return { alias, sequence, changed: true };
  };
}

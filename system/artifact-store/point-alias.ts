import type { Digest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { AliasBook } from './aliases.ts';
import type { ArtifactStore } from './contract.ts';

export interface AliasChange {
  readonly alias: string;
  readonly release: Digest;
  /** The run that promotes, or `by hand`. */
  readonly run: string;
  readonly by: string;
  readonly reason: string;
}

export interface PointedAlias {
  readonly alias: string;
  /** Number of the entry that is in force. */
  readonly sequence: number;
  /** False when the alias pointed there already: nothing was written. */
  readonly changed: boolean;
}

/**
 * Points an alias at a whole release, by compare-and-set. Idempotent: a repeat after the entry was written finds the
 * alias there and changes nothing. Throws ArtifactMissing, StoreCorrupt, ReleaseMissing, AliasMoved.
 */
export async function pointAlias(
  { store, aliases }: { readonly store: ArtifactStore; readonly aliases: AliasBook },
  change: AliasChange,
): Promise<PointedAlias> {
  const { alias, release } = change;
  const { kind } = await store.verify(release);
  if (kind !== 'release')
    throw new BuildFailure('ReleaseMissing', `${release.slice(0, 12)} is a ${kind}, no release`);
  const current = await aliases.current(alias);
  if (current?.release === release) return { alias, sequence: current.sequence, changed: false };
  const entry = { ...change, at: new Date().toISOString() };
  const { sequence } = await aliases.append(entry, current?.sequence ?? 0);
  return { alias, sequence, changed: true };
}

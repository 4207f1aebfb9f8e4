import type { ArtifactRef } from '../../core/domain/artifact.ts';

/** Not cached: it changes what an alias points at, once, by compare-and-set. */
export interface PromoteInput {
  readonly alias: string;
  readonly release: ArtifactRef<'release'>;
  /** Workflow id and run id: why the alias points there. */
  readonly run: string;
  readonly by: string;
  readonly reason: string;
}

export interface PromoteResult {
  readonly alias: string;
  /** Counts from 1; entries are never rewritten. */
  readonly sequence: number;
  /** False when the alias pointed there already: nothing was written. */
  readonly changed: boolean;
}

export const promote = {
  name: 'promote',
  worker: 'cpu',
  startToCloseTimeout: '10 minutes',
  summary: ({ alias, release }: PromoteInput) => `point ${alias} at release ${release.digest.slice(0, 12)}`,
} as const;

import type { ArtifactRef } from './artifact.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'error';

/** What `runRecipe` returns: small, and enough to answer what came of the run without reading an artifact. */
export interface RunResult {
  readonly verdict: Verdict;
  /** The outcome in one or two sentences. */
  readonly headline: string;
  readonly report: ArtifactRef<'report'>;
  readonly release: ArtifactRef<'release'> | null;
  readonly promotion: Promotion;
  readonly variants: readonly {
    readonly name: string;
    readonly verdict: Verdict;
    readonly engine: string | null;
  }[];
}

export interface Promotion {
  readonly alias: string | null;
  readonly state: 'promoted' | 'unchanged' | 'rejected' | 'not-approved' | 'not-passed' | 'not-asked';
  readonly sequence: number | null;
}

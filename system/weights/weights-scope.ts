import type { EffectScope } from '../../core/domain/progress.ts';

/** An effect's scope that may name the `enginewright-weights` to use; else it is the one the set-up built. */
export interface WeightsScope extends EffectScope {
  /** Absolute path. */
  readonly executable?: string;
}

/** A scope whose progress from 0 to 1 moves the outer one from `from` to `to`. */
export function partOfScope(scope: WeightsScope, from: number, to: number): WeightsScope {
  return {
    ...scope,
    onProgress: ({ fraction, ...rest }) =>
      scope.onProgress({ ...rest, fraction: from + (to - from) * fraction }),
  };
}

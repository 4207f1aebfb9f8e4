import type { EffectScope } from '../../core/domain/progress.ts';
import { locateWeights } from '../native-cli/locate.ts';
import { compareWeights } from './compare-weights.ts';
import type { WeightTools } from './contract.ts';
import { convertWeights } from './convert-weights.ts';
import { mergeAdapters } from './merge-adapters.ts';
import type { WeightsScope } from './weights-scope.ts';

/**
 * The weight tools as steps use them, on real folders. `executable` is the path of `enginewright-weights`, null for the
 * one the set-up built; it is looked for at the first use, so that a worker without it can still do other steps.
 */
export function createWeightTools(executable: string | null): WeightTools {
  const located = ({ signal, onProgress }: EffectScope): WeightsScope => ({
    signal,
    onProgress,
    executable: locateWeights(executable),
  });
  return {
    convert: async (request, scope) => convertWeights(request, located(scope)),
    compare: async (a, b, scope) => compareWeights(a, b, located(scope)),
    merge: async (request, scope) => mergeAdapters(request, located(scope)),
  };
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EffectScope } from '../../core/domain/progress.ts';
import { manifestName } from '../artifact-store/manifest.ts';
import { locateWeights } from '../native-cli/locate.ts';
import { compareWeights } from './compare-weights.ts';
import type { WeightTools } from './contract.ts';
import { convertWeights } from './convert-weights.ts';
import { identifyWeights } from './identify-weights.ts';
import { mergeAdapters } from './merge-adapters.ts';
import { quantizeForStep } from './quantize-step.ts';
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
    async convert(request, scope) {
      const report = await convertWeights(request, located(scope));
      await dropManifest(request.to);
      return report;
    },
    identify: async (folder, scope) => identifyWeights(folder, located(scope)),
    compare: async (a, b, scope) => compareWeights(a, b, located(scope)),
    async merge(request, scope) {
      const report = await mergeAdapters(request, located(scope));
      await dropManifest(request.out);
      return report;
    },
    async quantize(request, scope) {
      const facts = await quantizeForStep(request, located(scope));
      await dropManifest(request.out);
      return facts;
    },
  };
}

/** An artifact's folder has its manifest beside the weights; it describes the input and must not go along. */
async function dropManifest(folder: string): Promise<void> {
  await rm(join(folder, manifestName), { force: true });
}

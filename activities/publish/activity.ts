import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { Report, ReportVariant } from '../../core/domain/report.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { readOwnJson, writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import { publish, type PublishInput } from './contract.ts';

/** Bigger is better: how a variant ranks among those that passed. */
const ranks: Record<'smallest' | 'fastest' | 'best', (variant: ReportVariant) => number> = {
  smallest: ({ bytes }) => -(bytes ?? Number.POSITIVE_INFINITY),
  fastest: (variant) => metricOf(variant, 'benchmark.tokensPerSecond'),
  best: (variant) => metricOf(variant, 'rouge1'),
};

/** A release says which engine, on what evidence and from what sources; it is what an alias points at. */
export function createPublish({ runStep }: Pick<StepDeps, 'runStep'>) {
  return (input: PublishInput): Promise<StepResult<'release'>> =>
    runStep(publish, input, async (scope) => {
      const report = await readOwnJson<Report>(join(await scope.folderOf(input.report), 'report.json'));
      const names = new Set(input.engines.map(({ variant }) => variant));
      const passing = report.variants.filter(({ name, verdict }) => names.has(name) && verdict === 'pass');
      const chosen = chooseVariant(passing, input.choose);
      const engine = input.engines.find(({ variant }) => variant === chosen?.name)?.engine;
      if (chosen === undefined || engine === undefined) {
        throw new BuildFailure('ReleaseMissing', `no variant of ${input.recipe} passed`);
      }
      const release = {
        formatVersion: 1,
        recipe: input.recipe,
        variant: chosen.name,
        quantization: chosen.quantization,
        engine,
        report: input.report,
        sources: input.sources,
        gates: chosen.gates,
      };
      await writeJson(join(scope.out, 'release.json'), release);
      return { variant: chosen.name, engine: engine.digest };
    });
}

function chooseVariant(
  passing: readonly ReportVariant[],
  choose: PublishInput['choose'],
): ReportVariant | undefined {
  if (typeof choose === 'object') return passing.find(({ name }) => name === choose.variant);
  const rank = ranks[choose];
  return passing.toSorted((a, b) => rank(b) - rank(a))[0];
}

function metricOf({ metrics }: ReportVariant, metric: string): number {
  return metrics.find((entry) => entry.metric === metric)?.value ?? Number.NEGATIVE_INFINITY;
}

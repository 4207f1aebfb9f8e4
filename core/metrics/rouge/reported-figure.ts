import { rougeMetrics, type RougeFigures, type RougeMetric } from '../../domain/measurement.ts';
import { mean } from '../statistics/mean.ts';
import { bootstrapAggregate, type BootstrapFigures } from './bootstrap-aggregate.ts';
import type { RougeDialect } from './dialects/dialect.ts';
import { rougeDialects } from './dialects/registry.ts';

/**
 * What a dialect's own tool would report for samples scored already, in percent. Null for an unknown dialect (scores
 * of a newer version).
 */
export function reportedFigures(
  samples: readonly RougeFigures[],
  dialectId: string,
): { readonly [M in RougeMetric]: number } | null {
  const dialect: RougeDialect | undefined = rougeDialects.find(({ id }) => id === dialectId);
  if (dialect === undefined || samples.length === 0) return null;
  const bootstrap = dialect.seed === null ? null : bootstrapAggregate(fractionsOf(samples), dialect.seed);
  const figure = (metric: RougeMetric): number => {
    const percents = samples.map((sample) => sample[metric]);
    return reportedFigure(percents, dialect, bootstrap?.get(metric));
  };
  const [rouge1, rouge2, rougeL, rougeLsum] = rougeMetrics;
  return {
    rouge1: figure(rouge1),
    rouge2: figure(rouge2),
    rougeL: figure(rougeL),
    rougeLsum: figure(rougeLsum),
  };
}

/** One metric's figure as the dialect's tool reports it, in percent. */
export function reportedFigure(
  percents: readonly number[],
  dialect: RougeDialect,
  bootstrap: BootstrapFigures | undefined,
): number {
  return bootstrap === undefined ? roundLike(dialect, mean(percents)) : 100 * bootstrap.mid.f;
}

/** Only F is kept with the samples; the draws do not depend on the scores, so F comes out the same without the rest. */
function fractionsOf(samples: readonly RougeFigures[]) {
  return new Map(
    rougeMetrics.map((metric) => [
      metric,
      samples.map((sample) => ({ precision: 0, recall: 0, f: sample[metric] / 100 })),
    ]),
  );
}

/** Rounds half to even on the tool's scale, as NumPy does. */
function roundLike({ decimals, scale }: RougeDialect, percent: number): number {
  if (decimals === null) return percent;
  const factor = (10 ** decimals * scale) / 100;
  const scaled = percent * factor;
  const down = Math.floor(scaled);
  const isTie = scaled - down === 0.5;
  return (isTie ? down + (down % 2) : Math.round(scaled)) / factor;
}

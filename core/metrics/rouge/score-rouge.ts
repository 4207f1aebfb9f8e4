import { BuildFailure } from '../../domain/failures.ts';
import { rougeMetrics, type RougeFigures, type RougeMetric } from '../../domain/measurement.ts';
import { mean, standardDeviation } from '../statistics/mean.ts';
import { bootstrapAggregate } from './bootstrap-aggregate.ts';
import { checkScript } from './check-script.ts';
import type { RougeScore } from './count-overlap.ts';
import type { RougeDialect } from './dialects/dialect.ts';
import { rougeDialects } from './dialects/registry.ts';
import { reportedFigure } from './reported-figure.ts';
import { rougeScore } from './rouge-score.ts';
import { rougeTokenizers, type RougeTokenizer } from './tokenizers.ts';

export interface RougeSample {
  readonly id: string;
  readonly prediction: string;
  readonly reference: string;
}

export interface RougeSettings {
  /** Id of a dialect; `trtllm-summarize` if left out. */
  readonly dialect?: string;
  /** Id of a tokenizer; `ascii-words` if left out. */
  readonly tokenizer?: string;
}

/** F-measures over all samples, in percent. */
export interface RougeSummary {
  /** Plain mean of the samples. */
  readonly mean: number;
  /** Standard deviation of the samples; null below two. */
  readonly sd: number | null;
  /** What the dialect's own tool would report, in percent. */
  readonly reported: number;
  /** The tool's 95 % interval; null where it has none. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface RougeResult {
  readonly dialect: string;
  readonly tokenizer: string;
  readonly caveat: string | null;
  readonly metrics: { readonly [M in RougeMetric]: RougeSummary };
  readonly samples: readonly ({ readonly id: string } & RougeFigures)[];
  /** Samples whose 0 says nothing about words: a side without any token. */
  readonly flagged: readonly {
    readonly id: string;
    readonly reason: 'empty-prediction' | 'empty-reference' | 'both-empty';
  }[];
}

/**
 * Scores predictions in a dialect. Throws DatasetEmpty for no samples, UsageInvalid for an unknown dialect or
 * tokenizer, DatasetInvalid when no sample has a token on either side, and RecipeImpossible for references in a
 * script that the tokenizer drops.
 */
export function scoreRouge(samples: readonly RougeSample[], settings: RougeSettings = {}): RougeResult {
  const dialect = findById(rougeDialects, settings.dialect ?? 'trtllm-summarize', 'ROUGE dialect');
  const tokenizer: RougeTokenizer = findById(
    rougeTokenizers,
    settings.tokenizer ?? 'ascii-words',
    'ROUGE tokenizer',
  );
  if (samples.length === 0) throw new BuildFailure('DatasetEmpty', 'There is no sample to score with ROUGE.');
  checkScript(samples, tokenizer);
  const flagged = flagEmpty(samples, tokenizer);
  if (flagged.length === samples.length && flagged.every(({ reason }) => reason === 'both-empty')) {
    throw new BuildFailure(
      'DatasetInvalid',
      'No prediction and no reference has a token that ROUGE could compare.',
    );
  }
  const scores = scoreAll(samples, dialect, tokenizer);
  return {
    dialect: dialect.id,
    tokenizer: tokenizer.id,
    caveat: dialect.caveat,
    metrics: summarise(scores, dialect),
    samples: samples.map(({ id }, i) => ({
      id,
      ...mapMetrics((metric) => 100 * (scores.get(metric)?.[i]?.f ?? 0)),
    })),
    flagged,
  };
}

type Scores = ReadonlyMap<RougeMetric, readonly RougeScore[]>;

function scoreAll(samples: readonly RougeSample[], dialect: RougeDialect, tokenizer: RougeTokenizer): Scores {
  const options = { stemmer: dialect.stemmer, splitSummaries: dialect.lines === 'sentences', tokenizer };
  const scored = samples.map(({ prediction, reference }) => rougeScore(prediction, reference, options));
  return new Map(rougeMetrics.map((metric) => [metric, scored.flatMap((sample) => sample[metric] ?? [])]));
}

function summarise(scores: Scores, dialect: RougeDialect): RougeResult['metrics'] {
  const bootstrap = dialect.seed === null ? null : bootstrapAggregate(scores, dialect.seed);
  return mapMetrics((metric) => {
    const percents = (scores.get(metric) ?? []).map(({ f }) => 100 * f);
    const figures = bootstrap?.get(metric);
    return {
      mean: mean(percents),
      sd: percents.length < 2 ? null : standardDeviation(percents),
      reported: reportedFigure(percents, dialect, figures),
      low: figures === undefined ? null : 100 * figures.low.f,
      high: figures === undefined ? null : 100 * figures.high.f,
    };
  });
}

function flagEmpty(samples: readonly RougeSample[], tokenizer: RougeTokenizer): RougeResult['flagged'] {
  const isEmpty = (text: string): boolean => tokenizer.tokenize(text, { stem: false }).length === 0;
  return samples.flatMap(({ id, prediction, reference }) => {
    const empty = { prediction: isEmpty(prediction), reference: isEmpty(reference) };
    if (empty.prediction && empty.reference) return { id, reason: 'both-empty' as const };
    if (empty.reference) return { id, reason: 'empty-reference' as const };
    return empty.prediction ? { id, reason: 'empty-prediction' as const } : [];
  });
}

function mapMetrics<T>(figure: (metric: RougeMetric) => T): { [M in RougeMetric]: T } {
  const [rouge1, rouge2, rougeL, rougeLsum] = rougeMetrics;
  return {
    rouge1: figure(rouge1),
    rouge2: figure(rouge2),
    rougeL: figure(rougeL),
    rougeLsum: figure(rougeLsum),
  };
}

function findById<T extends { readonly id: string }>(all: readonly T[], id: string, what: string): T {
  const found = all.find((entry) => entry.id === id);
  if (found !== undefined) return found;
  throw new BuildFailure('UsageInvalid', `There is no ${what} ${JSON.stringify(id)}.`, {
    hint: `Use one of: ${all.map((entry) => entry.id).join(', ')}.`,
  });
}

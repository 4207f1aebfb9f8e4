import type { PerplexityScores } from '../../../core/domain/measurement.ts';
import { aggregatePerplexity } from '../../../core/metrics/perplexity.ts';
import { sum } from '../../../core/metrics/statistics/mean.ts';
import type { CertaintyAnswer, WindowCertainty } from './certainty-window.ts';
import type { QuantizationRecord, VariantRecord } from './quantization-record.ts';
import { differencesOf, figuresOf, logLikelihoodChange } from './read-figure.ts';
import type { VariantRun } from './read-run.ts';

/** One record a variant. Runs and certainties stand in one order, the baseline first. */
export function recordVariants(
  runs: readonly VariantRun[],
  certainty: CertaintyAnswer['engines'],
): VariantRecord[] {
  const [baseline] = runs;
  const [baselineWindows = []] = certainty;
  return runs.map((run, index) => {
    const { report, scores, outputError } = run;
    const windows = certainty[index] ?? [];
    const perplexity = perplexityOf(run);
    checkWindows(windows, perplexity);
    const figures = figuresOf(scores);
    const isBaseline = run === baseline;
    return {
      name: report.name,
      label: report.quantization,
      ...gridOf(run),
      bytes: report.bytes ?? 0,
      verdict: report.verdict,
      figures,
      perplexity: aggregatePerplexity(perplexity).pooled,
      changes: isBaseline ? {} : differencesOf(scores, baseline?.scores ?? {}),
      outputError,
      certainty: {
        ...certaintyOf(windows),
        temperedChange: isBaseline
          ? null
          : logLikelihoodChange(tempered(windows, perplexity), tempered(baselineWindows, perplexity)),
      },
      digests: report.artifacts.map(({ role, digest }) => ({ role, digest })),
    };
  });
}

/** Every calibrated variant beside the one that was rounded to the same bits and groups. */
export function recordPairs(runs: readonly VariantRun[]): QuantizationRecord['pairs'] {
  const rounded = runs.filter(({ plan }) => plan.quantize?.parameters['method'] === 'rtn');
  return runs
    .filter(({ plan }) => plan.quantize?.calibrated === true)
    .flatMap((candidate) => {
      const { bits, group } = gridOf(candidate);
      const reference = rounded.find((run) => gridOf(run).bits === bits && gridOf(run).group === group);
      if (reference === undefined) return [];
      return [
        {
          candidate: candidate.report.name,
          reference: reference.report.name,
          differences: differencesOf(candidate.scores, reference.scores),
        },
      ];
    });
}

function gridOf({ plan }: VariantRun): Pick<VariantRecord, 'bits' | 'group'> {
  const { bits, group } = plan.quantize?.parameters ?? {};
  return {
    bits: typeof bits === 'number' ? bits : null,
    group: typeof group === 'number' ? group : null,
  };
}

function perplexityOf({ report, scores }: VariantRun): PerplexityScores {
  if (scores.perplexity === undefined) throw new Error(`${report.name} has no perplexity`);
  return scores.perplexity;
}

/** The same engine on the same windows gives the same loss, or what is told of its certainty is of something else. */
function checkWindows(windows: readonly WindowCertainty[], { windows: scored }: PerplexityScores): void {
  const isSame =
    windows.length === scored.length &&
    scored.every(({ nll }, index) => Math.abs((windows[index]?.nll ?? Number.NaN) / nll - 1) < 1e-6);
  if (!isSame) throw new Error('the engines gave other losses than their scores have');
}

function tempered(windows: readonly WindowCertainty[], { protocol }: PerplexityScores): PerplexityScores {
  return { protocol, windows: windows.map(({ tokens, temperedNll }) => ({ tokens, nll: temperedNll })) };
}

function certaintyOf(
  windows: readonly WindowCertainty[],
): Omit<VariantRecord['certainty'], 'temperedChange'> {
  const tokens = sum(windows.map((window) => window.tokens));
  const perToken = (pick: (window: WindowCertainty) => number): number => sum(windows.map(pick)) / tokens;
  return {
    firstChoice: perToken((window) => window.firstChoice),
    right: perToken((window) => window.right),
    entropy: perToken((window) => window.entropy),
    loss: perToken((window) => window.nll),
    temperedLoss: perToken((window) => window.temperedNll),
  };
}

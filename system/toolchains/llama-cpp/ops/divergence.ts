import { BuildFailure } from '../../../../core/domain/failures.ts';
import { percentileOfSorted } from '../../../../core/metrics/statistics/percentile.ts';
import { digestWindows, type TokenWindow } from '../cut-windows.ts';
import type { Engine } from '../engine.ts';
import { divergeAt } from '../logits-math.ts';
import type { Result, ScoredDivergence } from '../protocol.ts';
import { readWindow } from '../read-window.ts';
import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';
import { windowsOf } from './windows-of.ts';

/** Definitions as in llama.cpp's tools/perplexity (`--kl-divergence`), computed without storing any logits. */
export const divergence: Operation<'divergence'> = async (state, params, report) => {
  const pair = [findEngine(state, params.baseline), findEngine(state, params.candidate)] as const;
  checkPair(pair);
  const windows = windowsOf(pair[0], params.source);
  const scores: ScoredDivergence[] = [];
  const all: number[] = [];
  for (const window of windows) {
    const { score, kld } = await compareWindow(pair, window);
    for (const value of kld) all.push(value);
    scores.push(params.keepPositions === true ? { ...score, kld } : score);
    report(scores.length / windows.length, `${scores.length} of ${windows.length} windows`);
  }
  return { windows: scores, windowsSha256: digestWindows(windows), ...summarise(scores, all) };
};

type Pair = readonly [baseline: Engine, candidate: Engine];

function checkPair([baseline, candidate]: Pair): void {
  if (baseline === candidate)
    throw new BuildFailure('ToolFailed', 'an engine cannot be compared with itself; open it twice');
  if (baseline.vocabularySize === candidate.vocabularySize) return;
  throw new BuildFailure(
    'ToolFailed',
    `the vocabularies differ: ${baseline.vocabularySize} tokens in the baseline, ${candidate.vocabularySize} in the candidate`,
  );
}

async function compareWindow(pair: Pair, { tokens, scoreFrom }: TokenWindow) {
  const size = pair[0].vocabularySize;
  const score = {
    tokens: Math.max(0, tokens.length - scoreFrom),
    kldSum: 0,
    kldMax: 0,
    top1Matches: 0,
    deltaSquaredSum: 0,
    baselineNll: 0,
    candidateNll: 0,
  };
  const kld: number[] = [];
  await readWindow(pair, tokens, ([baseline, candidate], from) => {
    if (baseline === undefined || candidate === undefined) return;
    const end = Math.min(from + baseline.length / size, tokens.length - 1);
    for (let position = Math.max(from, scoreFrom - 1); position < end; position++) {
      const row = { offset: (position - from) * size, size };
      const token = divergeAt({ baseline, candidate }, row, tokens[position + 1] as number);
      kld.push(token.kld);
      score.kldSum += token.kld;
      score.kldMax = Math.max(score.kldMax, token.kld);
      score.top1Matches += Number(token.sameTop);
      score.deltaSquaredSum += (Math.exp(-token.candidateNll) - Math.exp(-token.baselineNll)) ** 2;
      score.baselineNll += token.baselineNll;
      score.candidateNll += token.candidateNll;
    }
  });
  if (!Number.isFinite(score.kldSum)) {
    const files = `${pair[0].file} or ${pair[1].file}`;
    throw new BuildFailure('EngineInvalid', `${files} gives logits that are not finite`);
  }
  return { score, kld };
}

function summarise(
  scores: readonly ScoredDivergence[],
  all: readonly number[],
): Pick<Result<'divergence'>, 'kld' | 'top1' | 'rmsDelta'> {
  if (all.length === 0) throw new BuildFailure('DatasetEmpty', 'the windows have no token to score');
  const sorted = Float64Array.from(all).sort();
  const sumOf = (field: 'kldSum' | 'top1Matches' | 'deltaSquaredSum'): number =>
    scores.reduce((sum, score) => sum + score[field], 0);
  return {
    kld: {
      mean: sumOf('kldSum') / all.length,
      max: percentileOfSorted(sorted, 1),
      p50: percentileOfSorted(sorted, 0.5),
      p90: percentileOfSorted(sorted, 0.9),
      p99: percentileOfSorted(sorted, 0.99),
      p999: percentileOfSorted(sorted, 0.999),
    },
    top1: sumOf('top1Matches') / all.length,
    rmsDelta: Math.sqrt(sumOf('deltaSquaredSum') / all.length),
  };
}

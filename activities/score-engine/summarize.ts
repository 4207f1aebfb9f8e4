import { BuildFailure } from '../../core/domain/failures.ts';
import type { SummaryScores } from '../../core/domain/measurement.ts';
import type { SummarizePlan } from '../../core/domain/plan.ts';
import { scoreRouge } from '../../core/metrics/rouge/score-rouge.ts';
import { readSummaries } from '../../system/datasets/read-dataset.ts';
import type { Scored, Scoring } from './activity.ts';

/** Greedy summaries of the first samples, scored with ROUGE in the recipe's dialect. */
export async function scoreSummaries(scoring: Scoring<SummarizePlan>): Promise<Scored> {
  const { evaluation, toolchain, engineFolder, scope } = scoring;
  const { template, maxNewTokens, dialect, tokenizer } = evaluation;
  const pairs = (await readSummaries(scoring.datasetFolder)).slice(0, evaluation.samples);
  if (pairs.length < evaluation.samples) {
    throw new BuildFailure(
      'DatasetInvalid',
      `the recipe asks for ${evaluation.samples} samples, the dataset has ${pairs.length}`,
    );
  }
  const prompts = pairs.map(({ id, document }) => ({
    id,
    text: template.replaceAll('{document}', () => document),
  }));
  const { texts } = await toolchain.generate({ engineFolder, prompts, maxNewTokens }, scope);
  const byId = new Map(texts.map(({ id, text }) => [id, text]));
  const samples = pairs.map(({ id, reference }) => ({ id, reference, prediction: byId.get(id) ?? '' }));
  const scored = scoreRouge(samples, { dialect, tokenizer });
  const scores: SummaryScores = {
    dialect: scored.dialect,
    tokenizer: scored.tokenizer,
    dataset: { digest: evaluation.dataset.digest },
    maxNewTokens,
    samples: joinFigures(samples, scored.samples),
  };
  const figures = Object.entries(scored.metrics).map(([metric, { mean }]) => [metric, mean]);
  return { scores, facts: { samples: pairs.length, ...Object.fromEntries(figures) } };
}

/** Texts and figures of the same sample; the scorer answers in the order it was asked. */
function joinFigures<Text extends { readonly id: string }, Figures extends { readonly id: string }>(
  texts: readonly Text[],
  figures: readonly Figures[],
): (Text & Figures)[] {
  return figures.flatMap((figure, index) => {
    const text = texts[index];
    return text === undefined ? [] : [{ ...text, ...figure }];
  });
}

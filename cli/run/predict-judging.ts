import { judge, judgeFacts, type VariantOutcome } from '../../activities/judge/contract.ts';
import { promote as promoteAlias } from '../../activities/promote/contract.ts';
import { publish } from '../../activities/publish/contract.ts';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import { mayBePublished, type Plan } from '../../core/domain/plan.ts';
import type { Predictions } from './predictions.ts';

export interface PredictedOutcomes {
  /** By variant; null where a step of it is still to run. */
  readonly outcomes: ReadonlyMap<string, VariantOutcome | null>;
  readonly merged: ArtifactRef<'model'> | null;
  readonly proof: ArtifactRef<'proof'> | null;
  readonly sources: JsonObject;
}

/** The end of a run: the report, the release if something passed, the alias. */
export async function predictJudging(
  book: Predictions,
  plan: Plan,
  { outcomes, merged, proof, sources }: PredictedOutcomes,
): Promise<void> {
  const variants = plan.variants.flatMap(({ name }) => outcomes.get(name) ?? []);
  const isKnown = variants.length === plan.variants.length;
  const { baseline, gates } = plan;
  const { name: recipe } = plan.recipe;
  const judging = isKnown ? { recipe, baseline, variants, gates, merged, proof, sources } : null;
  const judged = await book.ask(judge, judging, { summary: 'judge' });
  if (plan.publish === null) return;
  const { alias, choose, promote } = plan.publish;
  const later = { variant: null, worker: 'cpu' } as const;
  const promotion = { ...later, step: promoteAlias.name, summary: `point ${alias} at the release` };
  if (judged === null) {
    const open = { status: 'if needed', why: 'only when a variant passes' } as const;
    book.note({ ...later, step: publish.name, summary: 'publish', ...open });
    if (promote !== 'never') book.note({ ...promotion, ...open });
    return;
  }
  const { variants: verdicts } = judgeFacts(judged);
  const engines = variants.flatMap(({ name, engine }) =>
    engine !== null && verdicts[name] === 'pass' && mayBePublished(name, plan)
      ? [{ variant: name, engine }]
      : [],
  );
  if (engines.length === 0) return;
  await book.ask(
    publish,
    { report: judged.artifact, engines, choose, recipe, sources },
    { summary: 'publish' },
  );
  if (promote === 'never') return;
  book.note({ ...promotion, status: 'if needed', why: 'only when the alias points elsewhere' });
}

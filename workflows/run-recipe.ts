import { allHandlersFinished, condition, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { judge, judgeFacts, type JudgeFacts, type VariantOutcome } from '../activities/judge/contract.ts';
import { publish as publishStep } from '../activities/publish/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { JsonObject } from '../core/domain/json.ts';
import { mayBePublished, type Plan } from '../core/domain/plan.ts';
import { cpuQueue } from '../core/domain/queues.ts';
import type { Promotion, RunResult } from '../core/domain/run-result.ts';
import { prepareModel } from './prepare-model.ts';
import { produceVariants } from './produce-variants.ts';
import { createApproval, promoteRelease } from './promote-release.ts';
import { renderConclusion } from './render-conclusion.ts';
import { Story } from './story.ts';

const verdictKey = defineSearchAttributeKey('EwVerdict', SearchAttributeType.KEYWORD);

/** The main story: a model and its adapters in, judged engines and a promoted alias out. */
export async function runRecipe(plan: Plan): Promise<RunResult> {
  const story = new Story(null);
  const decide = createApproval(story);

  const prepared = await prepareModel(story, plan);
  const outcomes = await produceVariants(story, plan, prepared);

  const { baseline, gates } = plan;
  const { sources, merged, proof } = prepared;
  const judging = { recipe: plan.recipe.name, baseline, variants: outcomes, gates, merged, proof, sources };
  const judged = await story.step(judge, judging, { id: 'judge', queue: cpuQueue });
  const facts = judgeFacts(judged);
  const { verdict, headline, variants: verdicts } = facts;
  upsertSearchAttributes([{ key: verdictKey, value: verdict }]);
  story.conclude(renderConclusion(facts, judged.artifact));

  const release = await publishPassing(story, plan, { outcomes, verdicts, report: judged.artifact, sources });
  const { workflowId, runId } = workflowInfo();
  const promotion =
    release === null || plan.publish === null
      ? notPromoted(plan)
      : await promoteRelease(
          story,
          { release, publish: plan.publish, run: `${workflowId} ${runId}` },
          decide,
        );

  await condition(allHandlersFinished);
  story.end();
  return {
    verdict,
    headline,
    report: judged.artifact,
    release,
    promotion,
    variants: outcomes.map(({ name, engine }) => ({
      name,
      verdict: verdicts[name] ?? 'error',
      engine: engine?.digest ?? null,
    })),
  };
}

interface Judged {
  readonly outcomes: readonly VariantOutcome[];
  readonly verdicts: JudgeFacts['variants'];
  readonly report: ArtifactRef<'report'>;
  readonly sources: JsonObject;
}

/** Only variants that passed can become a release; when none did there is nothing to publish. */
async function publishPassing(story: Story, plan: Plan, { outcomes, verdicts, report, sources }: Judged) {
  if (plan.publish === null) return null;
  const { choose } = plan.publish;
  const engines = outcomes.flatMap(({ name, engine }) =>
    engine !== null && verdicts[name] === 'pass' && mayBePublished(name, plan)
      ? [{ variant: name, engine }]
      : [],
  );
  if (engines.length === 0) return null;
  const input = { report, engines, choose, recipe: plan.recipe.name, sources };
  const published = await story.step(publishStep, input, { id: 'publish', queue: cpuQueue });
  return published.artifact;
}

function notPromoted({ publish }: Plan): Promotion {
  return {
    alias: publish?.alias ?? null,
    state: publish === null ? 'not-asked' : 'not-passed',
    sequence: null,
  };
}

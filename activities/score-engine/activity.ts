import { join } from 'node:path';
import type { JsonObject } from '../../core/domain/json.ts';
import type { EvaluationPlan } from '../../core/domain/plan.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { writeText } from '../../system/files/read-write.ts';
import type { EngineToolchain } from '../../system/toolchains/contract.ts';
import type { StepScope } from '../run-step.ts';
import type { StepDeps } from '../step-deps.ts';
import { scoreEngine, type ScoreEngineInput } from './contract.ts';
import { scoreDivergence } from './divergence.ts';
import { scorePerplexity } from './perplexity.ts';
import { scoreSummaries } from './summarize.ts';

/** One evaluation of one engine. */
export interface Scoring<E extends EvaluationPlan> {
  readonly evaluation: E;
  readonly toolchain: EngineToolchain;
  readonly engineFolder: string;
  readonly baselineFolder: string | null;
  readonly datasetFolder: string;
  readonly scope: StepScope;
}

/** What goes into scores.json, and a few numbers for the manifest. */
export interface Scored {
  readonly scores: object;
  readonly facts: JsonObject;
}

type ScoringTable = {
  readonly [K in EvaluationPlan['kind']]: (
    scoring: Scoring<Extract<EvaluationPlan, { kind: K }>>,
  ) => Promise<Scored>;
};

const scorings: ScoringTable = {
  summarize: scoreSummaries,
  perplexity: scorePerplexity,
  divergence: scoreDivergence,
};

export function createScoreEngine({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: ScoreEngineInput): Promise<StepResult<'scores'>> =>
    runStep(scoreEngine, input, async (scope) => {
      const { evaluation } = input;
      const scoring: Scoring<EvaluationPlan> = {
        evaluation,
        toolchain: toolchain(input.toolchain),
        engineFolder: await scope.folderOf(input.engine),
        baselineFolder: input.baseline === null ? null : await scope.folderOf(input.baseline),
        datasetFolder: await scope.folderOf(evaluation.dataset),
        scope,
      };
      // The cell is selected by the evaluation's own kind, which is what its parameter type says.
      const score = scorings[evaluation.kind] as (scoring: Scoring<EvaluationPlan>) => Promise<Scored>;
      const { scores, facts } = await score(scoring);
      const document = { kind: evaluation.kind, scores };
      // One line: a divergence keeps a value for every position.
      await writeText(join(scope.out, 'scores.json'), `${JSON.stringify(document)}\n`);
      return { kind: evaluation.kind, ...facts };
    });
}

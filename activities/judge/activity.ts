import { join } from 'node:path';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { BenchmarkSamples, TrialTexts, VariantScores } from '../../core/domain/measurement.ts';
import type { MergeProof } from '../../core/domain/merge-proof.ts';
import type { ReportArtifact } from '../../core/domain/report.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { buildReport, type VariantInput } from '../../core/reports/build-report.ts';
import { renderHtml } from '../../core/reports/render-html.ts';
import { renderJunit } from '../../core/reports/render-junit.ts';
import { renderMarkdown } from '../../core/reports/render-markdown.ts';
import { renderTable } from '../../core/reports/render-table.ts';
import { readOwnJson, writeText } from '../../system/files/read-write.ts';
import type { StepScope } from '../run-step.ts';
import type { StepDeps } from '../step-deps.ts';
import { judge, type JudgeFacts, type JudgeInput, type VariantOutcome } from './contract.ts';
import { readMergeReport, readTensorErrors } from './read-facts.ts';

/** `scores.json` of a scores artifact, one of the evaluations. */
interface ScoresDocument {
  readonly kind: 'summarize' | 'perplexity' | 'divergence';
  readonly scores: unknown;
}

/** Where an evaluation's scores belong among a variant's. */
const roles = { summarize: 'summary', perplexity: 'perplexity', divergence: 'divergence' } as const;

/** report.json is the only source of the other three; all four are the artifact. */
export function createJudge({ runStep, store }: Pick<StepDeps, 'runStep' | 'store'>) {
  return (input: JudgeInput): Promise<StepResult<'report'>> =>
    runStep(judge, input, async (scope) => {
      const variants = await Promise.all(input.variants.map((variant) => readVariant(variant, scope, store)));
      const { recipe, baseline, gates, proof } = input;
      const mergeProof = proof === null ? null : await readJson<MergeProof>(proof, 'proof.json', scope);
      const merge =
        input.merged === null ? null : readMergeReport((await store.manifestOf(input.merged.digest)).facts);
      const report = buildReport({ recipe: { name: recipe }, baseline, gates, variants, merge, mergeProof });
      const renderings = {
        'report.json': `${JSON.stringify(report, null, 2)}\n`,
        'report.html': renderHtml(report),
        'report.md': renderMarkdown(report),
        'junit.xml': renderJunit(report),
      };
      for (const [name, content] of Object.entries(renderings))
        await writeText(join(scope.out, name), content);
      const verdicts = report.variants.map(({ name, verdict }) => [name, verdict] as const);
      const { columns, rows } = renderTable(report);
      const variantVerdicts = Object.fromEntries(verdicts);
      return {
        verdict: report.verdict,
        headline: report.headline,
        variants: variantVerdicts,
        table: { columns, rows },
      } satisfies JudgeFacts;
    });
}

async function readVariant(
  outcome: VariantOutcome,
  scope: StepScope,
  store: StepDeps['store'],
): Promise<VariantInput> {
  const { name, label, quantized, engine, trial, measurement, failure } = outcome;
  const documents = await Promise.all(
    outcome.scores.map((ref) => readJson<ScoresDocument>(ref, 'scores.json', scope)),
  );
  const scores: VariantScores = {
    ...Object.fromEntries(documents.map((document) => [roles[document.kind], document.scores])),
    ...(trial === null ? {} : { trial: await readJson<TrialTexts>(trial, 'trial.json', scope) }),
    ...(measurement === null
      ? {}
      : { benchmark: await readJson<BenchmarkSamples>(measurement, 'measurement.json', scope) }),
    ...(engine === null ? {} : { engineBytes: engine.bytes }),
  };
  const provenance = engine === null ? null : (await store.manifestOf(engine.digest)).provenance;
  return {
    name,
    quantization: label,
    scores,
    artifacts: artifactsOf(outcome),
    ...(quantized === null
      ? {}
      : { tensorErrors: readTensorErrors((await store.manifestOf(quantized.digest)).facts) }),
    ...(provenance?.toolchain === undefined
      ? {}
      : { toolchain: { id: outcome.toolchain, ...provenance.toolchain } }),
    ...(failure === null ? {} : { failure }),
  };
}

async function readJson<T>(ref: ArtifactRef, file: string, scope: StepScope): Promise<T> {
  return readOwnJson<T>(join(await scope.folderOf(ref), file));
}

function artifactsOf({ quantized, engine, trial, scores, measurement }: VariantOutcome): ReportArtifact[] {
  const refs = [quantized, engine, trial, ...scores, measurement].filter((ref) => ref !== null);
  return refs.map(({ kind, digest, bytes }) => ({ role: kind, digest, bytes }));
}

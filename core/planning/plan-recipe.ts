import type { ArtifactRef, Digest } from '../domain/artifact.ts';
import { BuildFailure } from '../domain/failures.ts';
import { nearest } from '../domain/nearest.ts';
import { isMetricPath, metricPaths } from '../judging/metrics/registry.ts';
import type { EvaluationPlan, FileChoice, GatePlan, Plan, SourcePlan, VariantPlan } from '../domain/plan.ts';
import type { RecipeProblem } from '../domain/recipe-problem.ts';
import { planVariants, type VariantsRequest } from './plan-variants.ts';

/** The validated recipe, as planning needs it; config/recipe.ts infers a type that fits. */
export interface RecipeInput extends Pick<VariantsRequest, 'variants' | 'sweep' | 'toolchain'> {
  readonly name: string;
  readonly model: SourceInput;
  readonly adapters: readonly (SourceInput & { readonly weight: number; readonly merge: boolean })[];
  readonly rounding: Plan['rounding'];
  readonly newRows: Plan['newRows'];
  readonly anyBase: boolean;
  readonly baseline: string;
  readonly concurrency: number;
  readonly calibration?: CalibrationInput | undefined;
  readonly trial: { readonly prompts: readonly string[]; readonly maxNewTokens: number };
  readonly evaluation: EvaluationInput;
  readonly benchmark?: Plan['benchmark'] | undefined;
  readonly gates: readonly GateInput[];
  readonly publish?: Plan['publish'] | undefined;
}

interface SourceInput {
  readonly source: string;
  readonly revision: string;
  readonly token: string;
  readonly files?:
    | { readonly allow?: string[] | undefined; readonly ignore?: string[] | undefined }
    | undefined;
}

interface CalibrationInput {
  readonly dataset: string;
  readonly samples: number;
  readonly window: number;
  readonly seed: number;
}

interface EvaluationInput {
  readonly summarize?:
    | {
        readonly dataset: string;
        readonly samples: number;
        readonly maxNewTokens: number;
        readonly dialect: string;
        readonly tokenizer: string;
        readonly template: string;
      }
    | undefined;
  readonly perplexity?:
    | { readonly text: string; readonly window: number; readonly windows: number }
    | undefined;
  readonly divergence: boolean;
}

interface GateInput {
  readonly metric: string;
  readonly rule?: 'non-inferior' | undefined;
  readonly margin?: number | undefined;
  readonly max?: number | undefined;
  readonly min?: number | undefined;
}

export interface PlanContext {
  readonly recipeDigest: Digest;
  /** Where `file:` sources begin. */
  readonly resolvePath: (path: string) => string;
  /** Datasets the recipe names, already in the store, by the `file:` text that names them. */
  readonly datasets: ReadonlyMap<string, ArtifactRef<'dataset'>>;
  readonly endpoint: string | null;
  readonly parseVariant: VariantsRequest['parse'];
}

export type PlanResult = { readonly plan: Plan } | { readonly problems: readonly RecipeProblem[] };

/** Recipe → plan: what will run, in what order, with which settings. Refuses the impossible with the reason. */
export function planRecipe(recipe: RecipeInput, context: PlanContext): PlanResult {
  const runTimeAdapters = recipe.adapters.some(({ merge }) => !merge);
  const { variants, problems } = planVariants({ ...recipe, parse: context.parseVariant, runTimeAdapters });
  const all = [...problems, ...crossChecks(recipe, variants)];
  if (all.length > 0) return { problems: all };
  const { name, adapters, rounding, newRows, anyBase, baseline, concurrency, trial, benchmark, publish } =
    recipe;
  return {
    plan: {
      formatVersion: 1,
      recipe: { name, digest: context.recipeDigest },
      model: planSource(recipe.model, context),
      adapters: adapters.map(({ weight, merge, ...source }) => ({
        source: planSource(source, context),
        weight,
        merge,
      })),
      rounding,
      newRows,
      anyBase,
      baseline,
      variants,
      concurrency,
      calibration: planCalibration(recipe.calibration, variants, context),
      trial: {
        prompts: trial.prompts.map((text, index) => ({ id: `prompt-${index + 1}`, text })),
        maxNewTokens: trial.maxNewTokens,
      },
      evaluations: planEvaluations(recipe.evaluation, context),
      benchmark: benchmark ?? null,
      gates: recipe.gates.map(planGate),
      publish: publish ?? null,
    },
  };
}

function planSource(
  { source, revision, token, files }: SourceInput,
  { endpoint, resolvePath }: PlanContext,
): SourcePlan {
  const name = source.slice(source.indexOf(':') + 1);
  const { allow, ignore } = files ?? {};
  const choice: FileChoice = {
    ...(allow === undefined ? {} : { allow }),
    ...(ignore === undefined ? {} : { ignore }),
  };
  const chosen = Object.keys(choice).length === 0 ? {} : { files: choice };
  if (source.startsWith('file:')) return { kind: 'folder', path: resolvePath(name), ...chosen };
  return { kind: 'hub', repository: name, revision, endpoint, tokenVariable: token, ...chosen };
}

/** Null when nothing needs it: a recipe may name a text that only some of its variants would use. */
function planCalibration(
  calibration: CalibrationInput | undefined,
  variants: readonly VariantPlan[],
  context: PlanContext,
): Plan['calibration'] {
  if (calibration === undefined || !variants.some(isCalibrated)) return null;
  const { dataset, samples, window, seed } = calibration;
  return { dataset: datasetOf(dataset, context), windows: samples, window, seed };
}

function isCalibrated({ quantize }: VariantPlan): boolean {
  return quantize?.calibrated === true;
}

function datasetOf(source: string, { datasets }: PlanContext): ArtifactRef<'dataset'> {
  const dataset = datasets.get(source);
  if (dataset === undefined) throw new BuildFailure('InternalError', `${source} was not imported`);
  return dataset;
}

function planEvaluations(
  { summarize, perplexity, divergence }: EvaluationInput,
  context: PlanContext,
): EvaluationPlan[] {
  const plans: EvaluationPlan[] = [];
  if (summarize !== undefined)
    plans.push({ ...summarize, kind: 'summarize', dataset: datasetOf(summarize.dataset, context) });
  if (perplexity !== undefined) {
    const { text, window, windows } = perplexity;
    const dataset = datasetOf(text, context);
    plans.push({ kind: 'perplexity', dataset, window, windows });
    if (divergence) plans.push({ kind: 'divergence', dataset, window, windows });
  }
  return plans;
}

function planGate({ metric, margin, max, min }: GateInput): GatePlan {
  if (max !== undefined) return { metric, rule: 'max', bound: max };
  if (min !== undefined) return { metric, rule: 'min', bound: min };
  return { metric, rule: 'non-inferior', bound: margin ?? 0 };
}

/** What the schema cannot see: settings that each are valid and together make no sense. */
function crossChecks(recipe: RecipeInput, variants: readonly VariantPlan[]): RecipeProblem[] {
  const chosen = recipe.publish?.choose;
  const isVariant = Object.hasOwn(recipe.variants, recipe.baseline);
  const isChosen = typeof chosen !== 'object' || variants.some(({ name }) => name === chosen.variant);
  const problems = [
    isVariant ? null : refuse(['baseline'], `the baseline '${recipe.baseline}' is no variant`),
    missingText(recipe, variants),
    isChosen ? null : refuse(['publish', 'choose', 'variant'], `'${chosen.variant}' is no variant`),
    chosen === 'fastest' && recipe.benchmark === undefined
      ? refuse(['publish', 'choose'], 'choosing the fastest needs a benchmark')
      : null,
    ...unknownMetrics(recipe.gates),
  ];
  return problems.filter((problem) => problem !== null);
}

/** Texts that something in the recipe reads and nothing names. */
function missingText(
  { evaluation: { perplexity, divergence }, calibration }: RecipeInput,
  variants: readonly VariantPlan[],
): RecipeProblem | null {
  if (divergence && perplexity === undefined)
    return refuse(['evaluation', 'divergence'], 'divergence needs the text of evaluation.perplexity');
  const needy = calibration === undefined ? variants.find(isCalibrated) : undefined;
  if (needy === undefined) return null;
  return refuse(['calibration'], `variant ${needy.name} (${needy.label}) needs calibration texts`);
}

function unknownMetrics(gates: readonly GateInput[]): RecipeProblem[] {
  return gates.flatMap(({ metric }, index) => {
    if (isMetricPath(metric)) return [];
    const meant = nearest(metric, metricPaths);
    const question = meant === undefined ? '' : `: did you mean '${meant}'?`;
    return [refuse(['gates', index, 'metric'], `there is no metric '${metric}'${question}`)];
  });
}

function refuse(path: RecipeProblem['path'], message: string): RecipeProblem {
  return { name: 'RecipeImpossible', path, message };
}

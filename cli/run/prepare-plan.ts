import { basename, dirname, join, resolve } from 'node:path';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { loadRecipe, type LoadedRecipe } from '../../config/load-recipe.ts';
import { parseVariant } from '../../config/parse-variant.ts';
import type { Recipe } from '../../config/recipe.ts';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import type { Plan } from '../../core/domain/plan.ts';
import { describeProblem, type LocatedProblem } from '../../core/domain/recipe-problem.ts';
import { planRecipe } from '../../core/planning/plan-recipe.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { importDataset } from '../../system/datasets/import-dataset.ts';
import { readUserText } from '../../system/files/read-write.ts';
import { sha256OfText } from '../../system/files/hash-file.ts';

export interface PreparedPlan {
  readonly plan: Plan;
  readonly recipeText: string;
}

export interface PlanRequest {
  readonly file: string;
  readonly home: string;
  /** Null: the workers' own. */
  readonly endpoint: string | null;
}

/** Recipe file → plan, with its datasets in the store. Throws every problem at once, each with line and column. */
export async function preparePlan({ file, home, endpoint }: PlanRequest): Promise<PreparedPlan> {
  const recipeText = await readUserText(file, 'RecipeMissing');
  const result = loadRecipe(recipeText);
  if (!result.ok) throw problemsFailure(file, result.problems);
  const { recipe, locate } = result.loaded;
  const folder = dirname(resolve(file));
  const datasets = await importDatasets(recipe, locate, { file, folder, home });
  const planned = planRecipe(recipe, {
    recipeDigest: sha256OfText(recipeText),
    resolvePath: (path) => resolve(folder, path),
    datasets,
    endpoint,
    parseVariant,
  });
  if ('problems' in planned) throw problemsFailure(file, planned.problems.map(locate));
  return { plan: planned.plan, recipeText };
}

interface Place {
  readonly file: string;
  readonly folder: string;
  readonly home: string;
}

async function importDatasets(recipe: Recipe, locate: LoadedRecipe['locate'], { file, folder, home }: Place) {
  const store = createFolderStore(join(home, 'store'));
  const { summarize, perplexity } = recipe.evaluation;
  const wanted = [
    ...(summarize === undefined
      ? []
      : [
          {
            source: summarize.dataset,
            holds: 'summaries' as const,
            path: ['evaluation', 'summarize', 'dataset'],
          },
        ]),
    ...(perplexity === undefined
      ? []
      : [{ source: perplexity.text, holds: 'text' as const, path: ['evaluation', 'perplexity', 'text'] }]),
    ...(recipe.calibration === undefined
      ? []
      : [
          {
            source: recipe.calibration.dataset,
            holds: 'text' as const,
            path: ['calibration', 'dataset'],
          },
        ]),
  ];
  const datasets = new Map<string, ArtifactRef<'dataset'>>();
  for (const { source, holds, path } of wanted) {
    try {
      datasets.set(
        source,
        await importDataset(store, { path: resolve(folder, source.slice('file:'.length)), holds }),
      );
    } catch (error) {
      // Where the recipe names it says more than the path alone; other failures (a full disk) are not the recipe's.
      if (!isBuildFailure(error) || !error.name.startsWith('Dataset')) throw error;
      const { line, column } = locate({ name: 'DatasetMissing', path, message: '' });
      throw new BuildFailure(error.name, `${basename(file)}:${line}:${column}: ${error.message}`, {
        hint: error.hint,
        cause: error,
      });
    }
  }
  return datasets;
}

function problemsFailure(file: string, problems: readonly LocatedProblem[]): BuildFailure {
  const name = problems[0]?.name ?? 'RecipeInvalid';
  const text = problems.map((problem) => describeProblem(basename(file), problem)).join('\n');
  return new BuildFailure(name, text, { details: { problems } });
}

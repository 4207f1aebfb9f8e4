import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadRecipe } from '../../../../config/load-recipe.ts';
import { parseVariant } from '../../../../config/parse-variant.ts';
import type { ArtifactRef, Digest } from '../../../../core/domain/artifact.ts';
import { planRecipe } from '../../../../core/planning/plan-recipe.ts';
import { packageRoot } from '../../../../system/package-root.ts';

/** A digest that is easy to recognise in the golden text. */
function dataset(letter: string): ArtifactRef<'dataset'> {
  return { kind: 'dataset', digest: letter.repeat(64) as Digest, bytes: 1_000 };
}

// After a wanted change of the planner: `npx vitest run --project unit sample-plan --update`, then read the difference.
it('plans the sample recipe as the golden text says', async () => {
  const text = readFileSync(join(packageRoot(), 'examples', 'sample', 'recipe.yaml'), 'utf8');
  const loaded = loadRecipe(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));

  const planned = planRecipe(loaded.loaded.recipe, {
    recipeDigest: 'd'.repeat(64) as Digest,
    resolvePath: (path) => `/sample/${path}`,
    datasets: new Map([
      ['file:data/eval.jsonl', dataset('a')],
      ['file:data/valid.jsonl', dataset('b')],
    ]),
    endpoint: null,
    parseVariant,
  });

  const golden = stringify(planned, { aliasDuplicateObjects: false, lineWidth: 0 });
  await expect(golden).toMatchFileSnapshot('sample-plan.golden.yaml');
});

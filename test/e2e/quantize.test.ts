import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { jsonOf, type CliOptions } from './harness/cli.ts';
import type { Place } from './harness/place.ts';
import { smallRecipe, writeRecipe, type RecipeText } from './harness/recipe.ts';
import { runRecipe, stepsWith, type FinishedRun, type PlanDocument } from './harness/runs.ts';
import { useStack } from './harness/use-stack.ts';

const calibrated = {
  name: 'calibrated',
  model: smallRecipe.model,
  baseline: 'f16',
  variants: {
    f16: smallRecipe.variants.f16,
    rtn4: { quantization: { method: 'rtn', bits: 4, group: 32 } },
    gptq4: { quantization: { method: 'gptq', bits: 4, group: 32 } },
    awq4: { quantization: { method: 'awq', bits: 4, group: 32 } },
    smoothquant8: { quantization: { method: 'smoothquant' } },
  },
  calibration: { dataset: 'file:data/calibration.jsonl', samples: 24, window: 256 },
  trial: smallRecipe.trial,
  evaluation: { perplexity: { text: 'file:data/valid.txt', window: 256, windows: 8 }, divergence: true },
} satisfies RecipeText;

describe('a recipe with quantizations of our own', () => {
  let place: Place;
  let options: CliOptions;
  let recipe: string;
  let planned: PlanDocument;
  let first: FinishedRun;
  useStack((scene) => ({ place, options } = scene));

  beforeAll(async () => {
    recipe = await writeRecipe(place.recipes, 'calibrated', calibrated);
    const data = join('data', 'calibration.jsonl');
    await copyFile(join(packageRoot(), 'examples', 'sample', data), join(place.recipes, data));
    planned = await jsonOf<PlanDocument>(['plan', recipe], options);
    first = await runRecipe(recipe, options);
  });
  const divergenceOf = (variant: string): number =>
    first.document.report.variants
      .find(({ name }) => name === variant)
      ?.metrics.find(({ metric }) => metric === 'divergence.kld.mean')?.value ?? Number.NaN;

  it('looks at the activations once, and does what its plan said', () => {
    const done = stepsWith('done', first.shown.steps);

    expect(done).toEqual(stepsWith('will run', planned.steps));
    expect(done.filter((step) => step.endsWith('capture-statistics'))).toHaveLength(1);
    expect(done.filter((step) => step.endsWith('quantize'))).toHaveLength(4);
  });

  it('finds that methods which look at activations lose less than rounding at equal bits', () => {
    expect(divergenceOf('gptq4')).toBeLessThan(divergenceOf('rtn4'));
    expect(divergenceOf('awq4')).toBeLessThan(divergenceOf('rtn4'));
    expect(divergenceOf('smoothquant8')).toBeLessThan(divergenceOf('awq4'));
  });

  it('names in its report the tensors that moved most', () => {
    const variants = new Map(first.document.report.variants.map((variant) => [variant.name, variant]));
    const worst = variants.get('gptq4')?.tensorErrors ?? [];

    expect(worst).toHaveLength(5);
    expect(worst[0]?.relativeFrobenius).toBeGreaterThanOrEqual(worst[4]?.relativeFrobenius ?? 1);
    expect(worst[0]?.name).toMatch(/^model\.layers\.\d\./);
    expect(variants.get('f16')?.tensorErrors).toEqual([]);
  });

  it('does nothing a second time', async () => {
    const again = await runRecipe(recipe, options);

    expect(stepsWith('done', again.shown.steps)).toEqual([]);
  });

  it('quantizes again, and captures again, when the calibration changes', async () => {
    const changed = { ...calibrated, calibration: { ...calibrated.calibration, samples: 20 } };
    const other = await writeRecipe(place.recipes, 'recalibrated', { ...changed, name: 'recalibrated' });
    const { steps } = await jsonOf<PlanDocument>(['plan', other], options);
    const running = stepsWith('will run', steps);

    expect(running).toContain('capture-statistics');
    expect(stepsWith('cached', steps)).toContain('f16/build-engine');
    expect(stepsWith('cached', steps)).toContain('rtn4/build-engine');
    expect(running).toContain('gptq4/build-engine');
  });
});

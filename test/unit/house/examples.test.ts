import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparePlan } from '../../../cli/run/prepare-plan.ts';
import { packageRoot } from '../../../system/package-root.ts';

const examples = join(packageRoot(), 'examples');
const recipes = (await readdir(examples, { recursive: true })).filter((name) => /\.ya?ml$/.test(name));

let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'enginewright-examples-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('the examples', () => {
  it('are at least the sample and the comparison of quantizations', () => {
    expect(recipes).toEqual(expect.arrayContaining(['sample/recipe.yaml', 'sample/quantizations.yaml']));
  });

  it.each(recipes)('%s is a recipe that can be planned, with its datasets', async (recipe) => {
    const { plan } = await preparePlan({ file: join(examples, recipe), home, endpoint: null });

    const { baseline, variants, evaluations, calibration } = plan;
    expect(variants.map(({ name }) => name)).toContain(baseline);
    expect(evaluations.map(({ kind }) => kind)).toEqual(['summarize', 'perplexity', 'divergence']);
    expect(calibration !== null).toBe(variants.some(({ quantize }) => quantize?.calibrated === true));
  });

  it('would be refused here with the reason if one asked for what no toolchain can do', async () => {
    const sample = await readFile(join(examples, 'sample', 'recipe.yaml'), 'utf8');
    const file = join(home, 'recipe.yaml');
    await writeFile(
      file,
      sample.replace('bits: 8', 'bits: 8, group: 64').replaceAll('file:', `file:${examples}/sample/`),
    );

    await expect(preparePlan({ file, home, endpoint: null })).rejects.toThrow(
      'llama-cpp has no 8 bit format with groups of 64',
    );
  });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { Recipe } from '../../../config/recipe.ts';

export type RecipeText = z.input<typeof Recipe>;

/** Small in every direction, whole in kind: two adapters (one a .bin), three variants, all evaluations, a bound. */
export const smallRecipe = {
  name: 'small',
  model: { source: 'hf:sample/sample-llama' },
  adapters: [{ source: 'hf:sample/lora-glossary', weight: 0.1 }, { source: 'hf:sample/lora-summarise' }],
  baseline: 'f16',
  variants: {
    f16: { quantization: { method: 'none', dtype: 'float16' } },
    int8: { quantization: { method: 'weight-only', bits: 8 } },
  },
  sweep: { from: 'int8', over: { 'quantization.bits': [8, 4] } },
  trial: { prompts: ['The sqlite_finalize routine also returns'], maxNewTokens: 8 },
  evaluation: {
    summarize: {
      dataset: 'file:data/eval.jsonl',
      samples: 4,
      maxNewTokens: 24,
      template: '### Text:\n{document}\n\n### Summary:\n',
    },
    perplexity: { text: 'file:data/valid.txt', window: 64, windows: 2 },
    divergence: true,
  },
  gates: [{ metric: 'divergence.kld.mean', max: 50 }],
  publish: { alias: 'candidate', choose: { variant: 'int8' } },
} satisfies RecipeText;

/** Writes `<name>.yaml` and returns its path. */
export async function writeRecipe(
  folder: string,
  name: string,
  recipe: RecipeText | string,
): Promise<string> {
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, typeof recipe === 'string' ? recipe : stringify(recipe));
  return path;
}

/** The same model as one engine, without its adapters. */
export const single = {
  name: 'single',
  model: smallRecipe.model,
  baseline: 'f16',
  variants: { f16: smallRecipe.variants.f16 },
};

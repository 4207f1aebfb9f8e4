import { readFileSync } from 'node:fs';

/** Reads a file, which a workflow must not: a replay on another machine would read another one. */
export async function runRecipe(): Promise<string> {
  return readFileSync('recipe.yaml', 'utf8');
}

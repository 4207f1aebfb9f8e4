/** Every workflow a control worker runs; the file that Temporal bundles. */
export { produceEngine } from './produce-engine.ts';
export { runRecipe } from './run-recipe.ts';

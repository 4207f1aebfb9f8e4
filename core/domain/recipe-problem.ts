/** Something wrong with a recipe: returned before any run, never thrown. */
export interface RecipeProblem {
  readonly name: 'RecipeInvalid' | 'RecipeImpossible' | 'DatasetMissing' | 'DatasetEmpty' | 'DatasetInvalid';
  /** Keys from the root of the recipe. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A problem with its place in the file; line and column count from 1. */
export interface LocatedProblem extends RecipeProblem {
  readonly line: number;
  readonly column: number;
}

export function describeProblem(file: string, { line, column, message }: LocatedProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

import { isNode, isPair, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { LocatedProblem, RecipeProblem } from '../core/domain/recipe-problem.ts';
import { Recipe } from './recipe.ts';
import { describeIssue } from './describe-issue.ts';

export interface LoadedRecipe {
  readonly recipe: Recipe;
  /** Finds the place of a problem that planning reports later. */
  readonly locate: (problem: RecipeProblem) => LocatedProblem;
}

export type LoadRecipeResult =
  | { readonly ok: true; readonly loaded: LoadedRecipe }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] };

/** YAML text → recipe, or every problem with line, column and the nearest valid spelling. */
export function loadRecipe(text: string): LoadRecipeResult {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const syntax = document.errors.map(({ message, pos }): LocatedProblem => {
    const { line, col } = lines.linePos(pos[0]);
    return {
      name: 'RecipeInvalid',
      path: [],
      message: message.replace(/(?: at line|\n)[\s\S]*/, ''),
      line,
      column: col,
    };
  });
  if (syntax.length > 0) return { ok: false, problems: syntax };
  const locate = (problem: RecipeProblem): LocatedProblem => ({
    ...problem,
    ...placeOf(document, lines, problem.path),
  });
  const plain = toPlain(document);
  if ('problem' in plain) return { ok: false, problems: [locate(plain.problem)] };
  const parsed = Recipe.safeParse(plain.value ?? {}, { reportInput: true });
  if (parsed.success) return { ok: true, loaded: { recipe: parsed.data, locate } };
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue)).map(locate);
  return { ok: false, problems: withoutEchoes(problems).toSorted(byPlace) };
}

/** Aliases are followed only here: one without its anchor, or a bomb of them, shows now. */
function toPlain(document: Document): { readonly value: unknown } | { readonly problem: RecipeProblem } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { problem: { name: 'RecipeInvalid', path: [], message: error.message } };
  }
}

/** A misspelt key also leaves the right one missing; the second message would only repeat the first. */
function withoutEchoes(problems: readonly LocatedProblem[]): LocatedProblem[] {
  const parentOf = ({ path }: RecipeProblem): string => JSON.stringify(path.slice(0, -1));
  return problems.filter((one) => {
    const { message, path } = one;
    const beside = problems.filter((other) => parentOf(other) === parentOf(one));
    const echo =
      message.endsWith('is missing') &&
      beside.some((other) => other.message.endsWith(`mean '${String(path.at(-1))}'?`));
    return !echo;
  });
}

function byPlace(a: LocatedProblem, b: LocatedProblem): number {
  return a.line - b.line || a.column - b.column;
}

/** The key's own position when the path exists, else that of the nearest parent that does. */
function placeOf(
  document: Document,
  lines: LineCounter,
  path: RecipeProblem['path'],
): { line: number; column: number } {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    }
  }
  return { line: 1, column: 1 };
}

function offsetOf(document: Document, path: RecipeProblem['path']): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  let found: number | undefined;
  if (isNode(parent)) {
    visit(parent, {
      Pair(_, pair) {
        if (found === undefined && isPair(pair) && isScalar(pair.key) && pair.key.value === path.at(-1)) {
          found = pair.key.range?.[0];
        }
        return found === undefined ? visit.SKIP : visit.BREAK;
      },
    });
  }
  const node = document.getIn(path, true);
  return found ?? (isNode(node) ? node.range?.[0] : undefined);
}

import { z } from 'zod';
import type { RecipeProblem } from '../core/domain/recipe-problem.ts';
import { nearest } from '../core/domain/nearest.ts';
import { Recipe } from './recipe.ts';

type Issue = z.core.$ZodIssue;

/** One schema issue as sentences: what stands there, what is allowed, and what was probably meant. */
export function describeIssue(issue: Issue, parent: readonly (string | number)[] = []): RecipeProblem[] {
  const path = [...parent, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => problem([...path, key], unknownKey(key, allowedKeys(path))));
  }
  if (issue.code === 'invalid_union') return describeUnion(issue, path);
  return [problem(path, describeValue(issue, path))];
}

/** What is wrong with the value itself. */
function describeValue(issue: Issue, path: readonly (string | number)[]): string {
  const at = sayWhere(path);
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code === 'invalid_value' && issue.input !== undefined)
    return `${at} is ${say(issue.input)}; ${choices(issue.values, issue.input)}`;
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value')
    return `${at}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
  return issue.input === undefined || issue.code === 'invalid_value'
    ? `${at} is missing`
    : `${at} must be ${article(issue.expected)}, not ${say(issue.input)}`;
}

function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: (string | number)[],
): RecipeProblem[] {
  if (issue.discriminator !== undefined) {
    // zod already puts the discriminator at the end of the path.
    const parent = path.at(-1) === issue.discriminator ? path.slice(0, -1) : path;
    const values = allowedValues(parent, issue.discriminator);
    const given = (issue.input as Record<string, unknown> | undefined)?.[issue.discriminator];
    const at = [...parent, issue.discriminator];
    const what = given === undefined ? 'is missing' : `is ${say(given)}`;
    return [problem(at, `'${at.join('.')}' ${what}; ${choices(values, given)}`)];
  }
  // The branch that came furthest tells best what is wrong.
  const branch = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0];
  return branch === undefined || branch.length === 0
    ? [problem(path, issue.message)]
    : branch.flatMap((inner) => describeIssue(inner, path));
}

const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));

function sayWhere(path: readonly (string | number)[]): string {
  return path.length === 0 ? 'the recipe' : `'${path.join('.')}'`;
}

function problem(path: RecipeProblem['path'], message: string): RecipeProblem {
  return { name: 'RecipeInvalid', path, message };
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const meant = nearest(key, allowed);
  const rest = `known here: ${allowed.join(', ')}`;
  return meant === undefined
    ? `unknown key '${key}'; ${rest}`
    : `unknown key '${key}': did you mean '${meant}'?`;
}

function choices(values: readonly unknown[], given: unknown): string {
  const words = values.map(String);
  const meant = typeof given === 'string' ? nearest(given, words) : undefined;
  return meant === undefined ? `choose one of ${words.join(', ')}` : `did you mean ${meant}?`;
}

function say(value: unknown): string {
  if (value === null) return 'empty';
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'a mapping') : JSON.stringify(value);
}

function article(expected: string): string {
  const words: Record<string, string> = {
    object: 'a mapping',
    record: 'a mapping',
    array: 'a list',
    int: 'a whole number',
  };
  return words[expected] ?? `a ${expected}`;
}

/** The keys the schema allows at a path, read from its JSON Schema so that no second list can go stale. */
function allowedKeys(path: readonly (string | number)[]): string[] {
  return [...new Set(schemasAt(path).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

function allowedValues(path: readonly (string | number)[], key: string): string[] {
  return schemasAt(path)
    .flatMap(({ properties }) => {
      const property = properties?.[key];
      return property?.enum ?? (property?.const === undefined ? [] : [property.const]);
    })
    .map(String);
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}

function schemasAt(path: readonly (string | number)[]): JsonSchema[] {
  let here = alternatives(z.toJSONSchema(Recipe, { io: 'input' }) as JsonSchema);
  for (const part of path) here = here.flatMap((schema) => step(schema, part)).flatMap(alternatives);
  return here;
}

function step(schema: JsonSchema, part: string | number): JsonSchema[] {
  if (typeof part === 'number') return schema.items === undefined ? [] : [schema.items];
  const named = schema.properties?.[part];
  if (named !== undefined) return [named];
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  const inner = schema.anyOf ?? schema.oneOf;
  return inner === undefined ? [schema] : inner.flatMap(alternatives);
}

import { z } from 'zod';
import { Recipe } from '../../config/recipe.ts';

/** The part of JSON schema that the recipe's schema uses. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: { readonly [name: string]: SchemaNode };
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

/** JSON schema (draft 2020-12) of what a person writes: defaulted keys may be left out. */
export function recipeSchema(): SchemaNode {
  return z.toJSONSchema(Recipe, { io: 'input' }) as SchemaNode;
}

import type { Json } from '../core/domain/json.ts';
import type { VariantsRequest } from '../core/planning/plan-variants.ts';
import { describeIssue } from './describe-issue.ts';
import { Variant } from './recipe.ts';

/** Validates the settings of a swept point with the schema of a variant. */
export const parseVariant: VariantsRequest['parse'] = (settings: Json) => {
  const parsed = Variant.safeParse(settings, { reportInput: true });
  if (parsed.success) return { settings: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue === undefined) return { problem: 'not valid' };
  // Described where the recipe has its variants, so that the keys and values allowed there are known.
  const [described] = describeIssue(issue, ['variants', '*']);
  return { problem: (described?.message ?? issue.message).replace('variants.*.', '') };
};

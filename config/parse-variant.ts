import type { Json } from '../core/domain/json.ts';
import type { VariantsRequest } from '../core/planning/plan-variants.ts';
import { describeIssue } from './describe-issue.ts';
import { Variant } from './recipe.ts';

/** Validates the settings of a swept point with the schema of a variant. */
export const parseVariant: VariantsRequest['parse'] = (settings: Json) => {
  const parsed = Variant.safeParse(settings, { reportInput: true });
  if (parsed.success) return { settings: parsed.data };
  const [issue] = parsed.error.issues;
  return { problem: issue === undefined ? 'not valid' : (describeIssue(issue)[0]?.message ?? issue.message) };
};

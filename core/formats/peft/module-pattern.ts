import { BuildFailure } from '../../domain/failures.ts';
import { linearExpression } from './linear-expression.ts';

/** A key of rank_pattern or alpha_pattern with its value. */
export interface ModulePattern {
  readonly value: number;
  readonly matches: (module: string) => boolean;
}

const maxPatternLength = 500;

/**
 * peft tests `re.match("(.*\.)?(KEY)$", module)`: the key is a regular expression that must cover the end of the
 * module's path from a dot on (peft tuners/tuners_utils or utils/other.py, `get_pattern_key`). Syntax that Python alone
 * has, or that could take more than linear time, is AdapterUnsupported.
 */
export function modulePattern(key: string, value: number, file: string): ModulePattern {
  // Parsed alone first: a key must not close the group it is put into.
  const stands = key.length <= maxPatternLength && linearExpression(key) !== undefined;
  const matches = stands ? linearExpression(`(?:.*\\.)?(?:${key})`) : undefined;
  if (matches !== undefined) return { value, matches };
  throw new BuildFailure(
    'AdapterUnsupported',
    `${file} has the pattern ${JSON.stringify(key.slice(0, 200))}, which this version cannot read`,
  );
}

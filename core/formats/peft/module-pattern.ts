import { BuildFailure } from '../../domain/failures.ts';

/** A key of rank_pattern or alpha_pattern with its value. */
export interface ModulePattern {
  readonly value: number;
  readonly matches: (module: string) => boolean;
}

const maxPatternLength = 500;
// Python-only syntax would silently mean something else here; a repeated group could take exponential time.
const pythonOnly = /\\[AZ]|\(\?[^:=!]|\(\?<|[*+?}]\+/;
const repeatedGroup = /\)[*+{]/;

/**
 * peft tests `re.match("(.*\.)?(KEY)$", module)`: the key is a regular expression that must cover the end of the
 * module's path from a dot on (peft tuners/tuners_utils or utils/other.py, `get_pattern_key`).
 */
export function modulePattern(key: string, value: number, file: string): ModulePattern {
  if (key.length > maxPatternLength || pythonOnly.test(key) || repeatedGroup.test(key))
    throw refuse(key, file);
  try {
    const expression = new RegExp(`^(?:.*\\.)?(?:${key})$`);
    return { value, matches: (module) => expression.test(module) };
  } catch {
    throw refuse(key, file);
  }
}

function refuse(key: string, file: string): BuildFailure {
  return new BuildFailure(
    'AdapterUnsupported',
    `${file} has the pattern ${JSON.stringify(key.slice(0, 200))}, which this version cannot read`,
  );
}

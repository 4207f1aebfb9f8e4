import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { packageRoot } from '../package-root.ts';

/**
 * The path of `enginewright-weights`: `override` (ENGINEWRIGHT_WEIGHTS, an empty one counts as none), else what the
 * release preset of native/ builds. Throws ToolchainMissing if there is no such file.
 */
export function locateWeights(override?: string | null): string {
  const given = override ?? '';
  const path =
    given === '' ? join(packageRoot(), 'native', 'build', 'release', 'enginewright-weights') : given;
  if (existsSync(path)) return path;
  throw new BuildFailure('ToolchainMissing', `the executable ${path} does not exist`, {
    hint: 'Run `npm run setup`, or let ENGINEWRIGHT_WEIGHTS name the executable.',
    details: { path },
  });
}

/** The path of the library of native/statistics. Throws ToolchainMissing. */
export function locateStatistics(): string {
  const folder = join(packageRoot(), 'native', 'build', 'release');
  const path = join(folder, 'libenginewright_statistics.so');
  if (existsSync(path)) return path;
  throw new BuildFailure('ToolchainMissing', `the library ${path} does not exist`, {
    hint: 'Run `npm run setup`.',
    details: { path },
  });
}

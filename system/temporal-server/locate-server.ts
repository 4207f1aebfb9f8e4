import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';

export interface ServerPlace {
  /** The package's own folder, see packageRoot(). */
  readonly root: string;
  /** What the environment's TEMPORAL_PATH says, if it says anything. */
  readonly override?: string | undefined;
}

/**
 * The path of the Temporal CLI: the override, or the pinned one that setup fetched. Throws ToolchainMissing when it
 * is not there or cannot be executed.
 */
export async function locateTemporalServer({ root, override }: ServerPlace): Promise<string> {
  const isOverridden = override !== undefined && override !== '';
  const executable = isOverridden ? override : await pinnedPath(root);
  const correction = 'Correct TEMPORAL_PATH, or unset it and run npm run setup.';
  await requireExecutable(executable, isOverridden ? correction : 'Run npm run setup.');
  return executable;
}

export async function requireExecutable(executable: string, hint: string): Promise<void> {
  try {
    await access(executable, constants.X_OK);
  } catch (error) {
    const message = `there is no Temporal server at ${executable}`;
    throw new BuildFailure('ToolchainMissing', message, { hint, cause: error });
  }
}

async function pinnedPath(root: string): Promise<string> {
  const lock: unknown = JSON.parse(await readFile(join(root, 'tools', 'temporal-server.lock.json'), 'utf8'));
  const { name, version } = lock as { name: string; version: string };
  return join(root, '.cache', 'temporal', `${name}-${version}`, name);
}

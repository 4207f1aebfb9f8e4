import { isBuildFailure } from '../../core/domain/failures.ts';
import { packageRoot } from '../package-root.ts';
import { runCommand } from '../process/run-command.ts';
import { locateLibraries } from '../toolchains/llama-cpp/locate-libraries.ts';
import { bad, good } from './contract.ts';
import type { Finding, HostPlaces } from './contract.ts';

/** Loads one library in a process of its own: a wrong build may end the process that loads it. */
const loader = "require('koffi').load(process.argv[1])";

const advice = 'Run npm ci with optional packages on x86-64 Linux, or set ENGINEWRIGHT_LLAMA_LIBRARIES.';

export async function checkLlamaLibraries(
  { llamaLibraries }: HostPlaces,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const { llama } = locateLibraries({ libraryFolder: llamaLibraries });
    await runCommand({ file: process.execPath, args: ['-e', loader, llama], cwd: packageRoot() }, { signal });
    return good(llama);
  } catch (error) {
    if (isBuildFailure(error)) return bad(error.message, advice);
    throw error;
  }
}

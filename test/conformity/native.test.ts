import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { runCommand } from '../../system/process/run-command.ts';

const cwd = join(packageRoot(), 'native');

/** The sanitizers' build, from nothing, on two busy cores. */
const buildMs = 400_000;

it(
  'the native programs pass their own tests under the address and undefined-behaviour sanitizers',
  { timeout: buildMs },
  async () => {
    const lines: string[] = [];
    const options = { signal: AbortSignal.timeout(buildMs), onLine: (line: string) => lines.push(line) };

    await runCommand({ file: 'cmake', args: ['--preset', 'asan'], cwd }, options);
    await runCommand({ file: 'cmake', args: ['--build', '--preset', 'asan'], cwd }, options);
    await runCommand({ file: 'ctest', args: ['--preset', 'asan'], cwd }, options);

    expect(lines.some((line) => /100% tests passed, 0 tests failed out of \d+/.test(line))).toBe(true);
  },
);

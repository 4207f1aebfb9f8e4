import { accessSync, constants, existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fingerprintFiles } from './fingerprint.mjs';
import { runTool } from './run-tool.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

/** Where the preset of this name builds. */
const output = 'native/build/release';

/** Builds the native programs by the `release` preset of native/CMakePresets.json when one of their sources changed. */
export async function buildNative({ root, progress }) {
  const inputs = fingerprintFiles(root, ['native']);
  const { marks: toolchain = {} } = readStamp(root, 'tools');
  const stamp = readStamp(root, 'native');
  const sameTools = stamp.cmake === toolchain.cmake && stamp.compiler === toolchain.compiler;
  const isBuilt = stamp.programs?.length > 0 && stamp.programs.every((path) => existsSync(join(root, path)));
  if (stamp.inputs === inputs && sameTools && isBuilt) return;

  const cwd = join(root, 'native');
  await progress.step('building the native programs', async () => {
    // CMake keeps the compiler it first saw; a build folder of another compiler cannot be used on.
    if (!sameTools) rmSync(join(root, output), { recursive: true, force: true });
    await runTool('cmake', ['--preset', 'release'], { cwd });
    await runTool('cmake', ['--build', '--preset', 'release', '--parallel', String(availableParallelism())], {
      cwd,
    });
  });
  const programs = listPrograms(root, output);
  writeStamp(root, 'native', { inputs, cmake: toolchain.cmake, compiler: toolchain.compiler, programs });
}

function listPrograms(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'CMakeFiles' ? [] : listPrograms(root, path);
    return entry.isFile() && isExecutable(join(root, path)) ? [path] : [];
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

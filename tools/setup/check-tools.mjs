import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileMark } from './fingerprint.mjs';
import { SetupProblem } from './problem.mjs';
import { runTool } from './run-tool.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const leastNode = [20, 19];
const leastCmake = [3, 22];

/** Language and library features of C++17 that the native programs lean on. */
const cxxProbe = `#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
static_assert(__cplusplus >= 201703L);
int main() { if constexpr (sizeof(std::string_view) > 0) return std::optional<int>{0}.value(); }
`;

/**
 * Finds what setup cannot install itself. Looking on PATH is cheap and happens always; asking a tool for its
 * version starts a process and happens only when the tool on PATH is another one than last time.
 */
export async function checkTools({ root, environment }) {
  checkNode(process.versions.node);
  const found = {
    npm: find(environment, ['npm']) ?? missing('npm', 'npm'),
    cmake: find(environment, ['cmake']) ?? missing('CMake', 'cmake'),
    make: find(environment, ['make', 'ninja']) ?? missing('make', 'make'),
    compiler: find(environment, compilerNames(environment)) ?? missing('a C++17 compiler', 'g++'),
    ...(environment.TEMPORAL_PATH
      ? {}
      : { python: find(environment, ['python3']) ?? missing('Python 3', 'python3') }),
  };
  const marks = Object.fromEntries(
    Object.entries(found).map(([name, path]) => [name, `${path} ${fileMark(path)}`]),
  );
  if (JSON.stringify(readStamp(root, 'tools').marks) === JSON.stringify(marks)) return;
  await checkCmake(found.cmake);
  await checkCompiler(found.compiler);
  if (found.python !== undefined) await checkPip(found.python);
  writeStamp(root, 'tools', { marks });
}

export function checkNode(version) {
  if (isAtLeast(version, leastNode)) return;
  throw new SetupProblem(
    `Node ${version} is too old: enginewright needs ${leastNode.join('.')} or newer; install it from https://nodejs.org.`,
  );
}

async function checkCmake(cmake) {
  const version = /version (\d+\.\d+[\d.]*)/.exec(await runTool(cmake, ['--version']))?.[1] ?? 'unknown';
  if (isAtLeast(version, leastCmake)) return;
  throw new SetupProblem(
    `CMake ${version} is too old: enginewright needs ${leastCmake.join('.')} or newer; install a newer cmake package.`,
  );
}

async function checkCompiler(compiler) {
  try {
    await runTool(compiler, ['-std=c++17', '-fsyntax-only', '-x', 'c++', '-'], { input: cxxProbe });
  } catch (error) {
    const reason =
      error.message.split('\n').find((line) => line.includes('error')) ?? error.message.split('\n').at(-1);
    throw new SetupProblem(
      `${compiler} cannot compile C++17 (${reason.trim()}); install a newer one: apt-get install g++.`,
    );
  }
}

async function checkPip(python) {
  try {
    await runTool(python, ['-m', 'pip', '--version']);
  } catch {
    throw new SetupProblem(
      `pip for ${python} is missing, which fetches the Temporal server; install it: apt-get install python3-pip.`,
    );
  }
}

/** CMake itself asks CXX first, then looks for these. */
function compilerNames(environment) {
  const chosen = environment.CXX?.trim().split(/\s+/)[0];
  return chosen ? [chosen] : ['c++', 'g++', 'clang++'];
}

function find(environment, names) {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = names.flatMap((name) =>
    name.includes('/') ? [name] : folders.map((folder) => join(folder, name)),
  );
  return candidates.find((candidate) => isExecutable(candidate));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function missing(what, debianPackage) {
  throw new SetupProblem(`${what} is missing; install it: apt-get install ${debianPackage}.`);
}

function isAtLeast(version, [major, minor]) {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

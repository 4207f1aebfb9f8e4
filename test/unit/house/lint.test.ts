import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

const root = packageRoot();

/** The rule a file must break (or none), where it lies, and what it says. */
const cases: readonly (readonly [rule: string | undefined, path: string, content: string])[] = [
  ['house(no-shell)', 'system/shell-true.ts', 'export const options = { shell: true };'],
  ['house(no-shell)', 'system/shell-path.ts', "export const options = { shell: '/bin/sh' };"],
  ['house(no-shell)', 'system/uses-exec.ts', "import { exec } from 'node:child_process';\nexec('ls');"],
  ['house(no-shell)', 'system/line.ts', "import { execaCommand } from 'execa';\nawait execaCommand('ls');"],
  [
    'house(processes-start-in-system)',
    'core/starts.ts',
    "import { execa } from 'execa';\nawait execa('ls');",
  ],
  ['node(no-process-env)', 'core/reads-path.ts', "export const path = process.env['PATH'];"],
  ['node(no-process-env)', 'system/reads-path.ts', "export const path = process.env['PATH'];"],
  ['eslint(no-console)', 'core/prints.ts', "console.log('hello');"],
  ['import(no-default-export)', 'core/default.ts', 'export default 1;'],
  ['typescript(no-explicit-any)', 'core/odd.ts', 'export const odd: any = 1;'],
  ['typescript(no-floating-promises)', 'core/floats.ts', 'Promise.resolve(1);\nexport {};'],
  [
    'eslint(max-params)',
    'core/many.ts',
    'export const sum = (a: number, b: number, c: number, d: number) => a + b + c + d;',
  ],
  ['eslint(max-lines)', 'core/long.ts', 'export {};\n'.repeat(301)],
  ['unicorn(filename-case)', 'core/camelCase.ts', 'export const a = 1;'],
  [
    undefined,
    'core/type-only.ts',
    "import type { ExecaError } from 'execa';\nexport type Told = ExecaError;",
  ],
  [
    undefined,
    'core/names-a-shell.ts',
    'export const nameOf = ({ shell }: { shell: string }): string => shell;',
  ],
  [undefined, 'core/refuses-a-shell.ts', 'export const options = { shell: false };'],
  [undefined, 'system/starts.ts', "import { execa } from 'execa';\nawait execa('ls');"],
  [undefined, 'config/environment.ts', "export const path = process.env['PATH'];"],
];

let tree = '';
let broken: ReadonlyMap<string, readonly string[]> = new Map();

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'enginewright-lint-'));
  for (const name of ['.oxlintrc.json', 'package.json', 'tools/lint']) {
    await cp(join(root, name), join(tree, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  const compilerOptions = { module: 'NodeNext', target: 'ES2023', strict: true, types: ['node'] };
  await write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['core', 'system', 'config'] }));
  for (const [, path, content] of cases) await write(path, content);
  broken = await lint();
}, 60_000);

afterAll(() => rm(tree, { recursive: true, force: true }));

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), `${content}\n`);
}

/** The rules each file breaks. */
async function lint(): Promise<ReadonlyMap<string, readonly string[]>> {
  const bin = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const { stdout } = await promisify(execFile)(process.execPath, [bin, '--format', 'json'], {
    cwd: tree,
  }).catch(
    // A finding is also an exit code; what it printed is what we came for.
    (error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: readonly { code: string; filename: string }[];
  };
  return new Map(
    cases.map(([, path]) => [
      path,
      diagnostics.filter(({ filename }) => filename.endsWith(path)).map(({ code }) => code),
    ]),
  );
}

it.each(cases.filter(([rule]) => rule !== undefined))('catches %s in %s', (rule, path) => {
  expect(broken.get(path)).toContain(rule);
});

it.each(cases.filter(([rule]) => rule === undefined))('allows what looks alike (%s) in %s', (_rule, path) => {
  expect(broken.get(path)).toEqual([]);
});

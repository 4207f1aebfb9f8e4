import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

const tool = join(packageRoot(), 'tools', 'fuzz', 'properties.mjs');
const property = (least: number) => `
import * as fc from 'fast-check';
import { it } from 'vitest';
import { fuzzRuns } from '${join(packageRoot(), 'test', 'fixtures', 'hostile', 'damage.ts')}';

it('numbers (of 10 and more) stay small', () => {
  fc.assert(fc.property(fc.nat(), (number) => number < ${least}), fuzzRuns(10));
});
it('numbers are numbers', () => {
  fc.assert(fc.property(fc.nat(), Number.isFinite), fuzzRuns(10));
});
`;

let root: string;
const tested = join('test', 'property', 'numbers.test.ts');
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-fuzz-'));
  await mkdir(join(root, 'test', 'property'), { recursive: true });
  await symlink(join(packageRoot(), 'node_modules'), join(root, 'node_modules'));
  const projects = "[{ test: { name: 'property', include: ['test/property/*.test.ts'] } }]";
  await writeFile(join(root, 'vitest.config.mjs'), `export default { test: { projects: ${projects} } };\n`);
  await writeFile(join(root, tested), property(1000));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Calls a function of the tool in a process of its own, as `npm run fuzz` does. */
async function call(expression: string): Promise<unknown> {
  const code = `import * as tool from '${tool}'; console.log(JSON.stringify(${expression}) ?? 'null')`;
  const args = ['--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env['PATH'] },
  });
  return JSON.parse(stdout);
}

it('a counterexample that fuzzing finds is kept, and fails again until the fault is mended', async () => {
  const tried = await call(`await tool.tryProperties('${root}', { files: ['${tested}'], seconds: 1 })`);

  expect(tried).toMatchObject({
    trials: 2,
    secondsEach: 1,
    findings: [{ file: tested, counterexample: '[1000]' }],
  });
  const { findings } = tried as { findings: readonly { kept: string }[] };
  const [{ kept } = { kept: '' }] = findings;
  expect(JSON.parse(await readFile(join(root, kept), 'utf8'))).toMatchObject({ counterexample: '[1000]' });

  const replay = `await tool.replayFinding('${root}', '${kept}')`;
  expect(await call(replay)).toMatchObject({ counterexample: '[1000]' });
  await writeFile(join(root, tested), property(2 ** 32));
  expect(await call(replay)).toBe(null);
});

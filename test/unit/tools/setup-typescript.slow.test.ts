import { expect, it } from 'vitest';
import { SetupRig } from './setup-rig.ts';

/** Stands for the compiler: writes the program and the bundler, unless its notes say that it has done so. */
const compiler = `
const { appendFileSync, existsSync, mkdirSync, writeFileSync } = require('node:fs');
appendFileSync('calls.txt', 'tsc ' + process.argv.slice(2).join(' ') + '\\n');
if (existsSync('source-is-wrong')) { console.log('core/a.ts(1,1): error TS2304: Cannot find name'); process.exit(2); }
if (!existsSync('dist/.tsbuildinfo')) {
  for (const folder of ['dist/cli', 'dist/tools']) mkdirSync(folder, { recursive: true });
  writeFileSync('dist/cli/main.js', '');
  writeFileSync('dist/tools/bundle-workflows.js', "require('node:fs').writeFileSync('dist/workflow-bundle.js', '')");
  writeFileSync('dist/.tsbuildinfo', '');
}`;

async function rigWithCompiler(): Promise<SetupRig> {
  const rig = await SetupRig.create();
  await rig.write('package.json', JSON.stringify({ bin: { rig: 'dist/cli/main.js' } }));
  await rig.write('core/a.ts', 'export const a = 1;');
  await rig.write('node_modules/typescript/bin/tsc', compiler);
  return rig;
}

it('compiles and bundles, and not again while nothing changed', async () => {
  await using rig = await rigWithCompiler();

  const first = await rig.setup(['typescript']);
  const second = await rig.setup(['typescript']);

  expect(first.stderr).toMatch(
    /compiling TypeScript … \d+\.\d s\nsetup: bundling the workflows … \d+\.\d s\n/,
  );
  expect(second.stderr).toContain('nothing to do');
  expect(await rig.calls('tsc')).toEqual(['tsc -p tsconfig.build.json']);
});

it.each([
  ['a source changed', (rig: SetupRig) => rig.write('core/a.ts', 'export const a = 2;')],
  [
    'another compiler is locked',
    (rig: SetupRig) => rig.write('package-lock.json', '{"packages":{"":{},"x":{}}}'),
  ],
  ['the bundle is gone', (rig: SetupRig) => rig.remove('dist/workflow-bundle.js')],
  [
    'a compiled file is gone although the compiler remembers it',
    (rig: SetupRig) => rig.remove('dist/cli/main.js'),
  ],
])('compiles again when %s', async (_what, change) => {
  await using rig = await rigWithCompiler();
  await rig.setup(['typescript']);

  await change(rig);
  const again = await rig.setup(['typescript']);

  expect(again.exitCode).toBe(0);
  expect(await rig.calls('tsc')).toHaveLength(2);
  await rig.read('dist/cli/main.js');
});

it("ends with the compiler's own lines, each time until they are heeded", async () => {
  await using rig = await rigWithCompiler();
  await rig.write('source-is-wrong', '');

  const first = await rig.setup(['typescript']);
  const second = await rig.setup(['typescript']);

  expect([first.exitCode, second.exitCode]).toEqual([70, 70]);
  expect(second.stderr).toContain('core/a.ts(1,1): error TS2304: Cannot find name\nended with exit code 2');
});

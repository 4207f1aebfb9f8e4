import { expect, it } from 'vitest';
import { SetupRig } from './setup-rig.ts';

it.each([
  ['npm', 'npm'],
  ['cmake', 'cmake'],
  ['make', 'make'],
  ['c++', 'g++'],
  ['python3', 'python3'],
])('names the one package to install when %s is missing', async (program, debianPackage) => {
  await using rig = await SetupRig.create();
  await rig.remove(`bin/${program}`);

  const { exitCode, stderr } = await rig.setup(['tools']);

  expect(exitCode).toBe(69);
  expect(stderr).toMatch(/^setup: .* is missing; install it: apt-get install \S+\.\n$/);
  expect(stderr).toContain(`apt-get install ${debianPackage}.`);
});

it.each([
  ['an old CMake', 'cmake', 'echo cmake version 3.18.4', 'CMake 3.18.4 is too old'],
  [
    'a compiler without C++17',
    'c++',
    'echo "error: unknown standard" >&2; exit 1',
    'cannot compile C++17 (error: unknown standard)',
  ],
  ['a Python without pip', 'python3', 'echo No module named pip >&2; exit 1', 'apt-get install python3-pip'],
])('refuses %s in one sentence', async (_what, program, body, words) => {
  await using rig = await SetupRig.create();
  await rig.program(program, body);

  const { exitCode, stderr } = await rig.setup(['tools']);

  expect(exitCode).toBe(69);
  expect(stderr).toContain(words);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

it('asks the tools for their versions once, and again when one was replaced', async () => {
  await using rig = await SetupRig.create();

  const first = await rig.setup(['tools']);
  await rig.setup(['tools']);
  const callsBefore = await rig.calls('cmake');
  await rig.program('cmake', 'echo cmake version 3.30.0');
  await rig.setup(['tools']);

  expect(first).toEqual({ exitCode: 0, stderr: expect.stringContaining('nothing to do') });
  expect(callsBefore).toEqual(['cmake --version']);
  expect(await rig.calls('cmake')).toHaveLength(2);
});

it('needs no Python when another Temporal server is named', async () => {
  await using rig = await SetupRig.create();
  await rig.remove('bin/python3');

  const ended = await rig.setup(['tools', 'temporal'], { env: { TEMPORAL_PATH: process.execPath } });

  expect(ended.exitCode).toBe(0);
});

it('refuses a Temporal server that is named but not there', async () => {
  await using rig = await SetupRig.create();

  const ended = await rig.setup(['temporal'], { env: { TEMPORAL_PATH: '/nowhere/temporal' } });

  expect(ended).toEqual({
    exitCode: 69,
    stderr: 'setup: TEMPORAL_PATH names /nowhere/temporal, which does not exist.\n',
  });
});

it('refuses a step it does not have, listing those it has', async () => {
  await using rig = await SetupRig.create();

  const ended = await rig.setup(['everything']);

  expect(ended.exitCode).toBe(64);
  expect(ended.stderr).toContain('tools, packages, temporal, native, typescript');
});

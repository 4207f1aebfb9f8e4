import { expect, it } from 'vitest';
import { SetupRig } from './setup-rig.ts';

async function rigWithCmake(): Promise<SetupRig> {
  const rig = await SetupRig.create();
  await rig.write('native/weights/merge.cpp', 'int merge();');
  const build = `mkdir -p build/release && echo program > build/release/weights && chmod +x build/release/weights`;
  await rig.program('cmake', `case "$1" in --version) echo cmake version 3.25.1;; --build) ${build};; esac`);
  return rig;
}

const builds = async (rig: SetupRig): Promise<number> => {
  const calls = await rig.calls('cmake');
  return calls.filter((call) => call.startsWith('cmake --build --preset release')).length;
};

it('builds by the release preset, and not again while nothing changed', async () => {
  await using rig = await rigWithCmake();

  await rig.setup(['tools', 'native']);
  const second = await rig.setup(['tools', 'native']);

  expect(await rig.calls('cmake')).toEqual([
    'cmake --version',
    'cmake --preset release',
    expect.stringMatching(/^cmake --build --preset release --parallel \d+$/),
  ]);
  expect(second.stderr).toContain('nothing to do');
});

it.each([
  ['a source changed', (rig: SetupRig) => rig.write('native/weights/merge.cpp', 'long merge();')],
  ['a source was added', (rig: SetupRig) => rig.write('native/weights/copy.cpp', '')],
  ['a source was removed', (rig: SetupRig) => rig.remove('native/weights/merge.cpp')],
  ['a program was deleted', (rig: SetupRig) => rig.remove('native/build/release/weights')],
  ['the compiler was replaced', (rig: SetupRig) => rig.program('c++', 'exit 0 # newer')],
])('builds again when %s', async (_what, change) => {
  await using rig = await rigWithCmake();
  await rig.setup(['tools', 'native']);

  await change(rig);
  await rig.setup(['tools', 'native']);

  expect(await builds(rig)).toBe(2);
});

it('tries again after a build that failed, and shows why it did', async () => {
  await using rig = await rigWithCmake();
  await rig.program(
    'cmake',
    'if [ "$1" = --version ]; then echo version 3.25.1; else echo "merge.cpp:1: error: no" >&2; exit 2; fi',
  );

  const failed = await rig.setup(['tools', 'native']);
  await rig.setup(['tools', 'native']);

  expect(failed.exitCode).toBe(70);
  expect(failed.stderr).toContain('merge.cpp:1: error: no');
  expect((await rig.calls('cmake')).filter((call) => call === 'cmake --preset release')).toHaveLength(2);
});

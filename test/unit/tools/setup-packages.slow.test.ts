import { expect, it } from 'vitest';
import { SetupRig } from './setup-rig.ts';

const here = { os: [process.platform], cpu: [process.arch] };
const elsewhere = { os: ['aix'], cpu: ['ppc64'] };

/** A lock with one needed package and optional ones for this and another host. */
function lockOf(version: string, optional: Readonly<Record<string, object>> = {}): string {
  const packages = {
    '': {},
    'node_modules/needed': { version, integrity: `sha512-${version}` },
    ...optional,
  };
  return JSON.stringify({ packages });
}

/** Does what npm does: a folder for each package, and the record. */
const installNeeded = `
mkdir -p node_modules/needed && echo {} > node_modules/needed/package.json
cp package-lock.json node_modules/.package-lock.json`;

async function rigWithNpm(lock: string, body = installNeeded): Promise<SetupRig> {
  const rig = await SetupRig.create();
  await rig.write('package-lock.json', lock);
  await rig.program('npm', `cd '${rig.root}'\n${body}`);
  return rig;
}

it('installs once', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'));

  const first = await rig.setup(['packages']);
  const second = await rig.setup(['packages']);

  expect(first.stderr).toMatch(/installing 1 npm packages … \d+\.\d s\n/);
  expect(second.stderr).toContain('nothing to do');
  expect(await rig.calls('npm')).toEqual(['npm ci --include=dev --include=optional --no-audit --no-fund']);
});

it('installs again when the lock changed', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'));
  await rig.setup(['packages']);

  await rig.write('package-lock.json', lockOf('1.1.0'));
  await rig.setup(['packages']);

  expect(await rig.calls('npm')).toHaveLength(2);
});

it.each(['node_modules', 'node_modules/needed', 'node_modules/.package-lock.json'])(
  'installs again when %s is gone',
  async (path) => {
    await using rig = await rigWithNpm(lockOf('1.0.0'));
    await rig.setup(['packages']);

    await rig.remove(path);
    await rig.setup(['packages']);

    expect(await rig.calls('npm')).toHaveLength(2);
  },
);

it('lets npm speak when package.json and its lock disagree', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'));
  await rig.setup(['packages']);

  await rig.write('package.json', JSON.stringify({ bin: {}, dependencies: { forgotten: '1.0.0' } }));
  await rig.setup(['packages']);

  expect(await rig.calls('npm')).toHaveLength(2);
});

it('does not miss what is optional for other hosts', async () => {
  const optional = { 'node_modules/foreign': { version: '1.0.0', optional: true, ...elsewhere } };
  await using rig = await rigWithNpm(lockOf('1.0.0', optional));
  await rig.setup(['packages']);
  await rig.remove('.cache');
  await rig.setup(['packages']);

  expect(await rig.calls('npm')).toHaveLength(1);
});

it('tries an optional package for this host once per lock', async () => {
  const optional = { 'node_modules/native': { version: '1.0.0', optional: true, ...here } };
  await using rig = await rigWithNpm(lockOf('1.0.0', optional));
  await rig.setup(['packages']);
  await rig.setup(['packages']);

  expect(await rig.calls('npm')).toHaveLength(1);
});

it('shows the last lines of an npm that fails', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'), 'echo npm error code ENOTFOUND >&2; exit 1');

  const { exitCode, stderr } = await rig.setup(['packages']);

  expect(exitCode).toBe(70);
  expect(stderr).toContain('npm error code ENOTFOUND\nended with exit code 1');
});

it('installs once when two setups start together', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'), `sleep 0.7\n${installNeeded}`);

  const ended = await Promise.all([rig.setup(['packages']), rig.setup(['packages'])]);

  expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(await rig.calls('npm')).toHaveLength(1);
  expect(ended.map(({ stderr }) => stderr).join('')).toContain('another setup is at work');
});

it('takes over the lock of a setup that was killed', async () => {
  await using rig = await rigWithNpm(lockOf('1.0.0'));
  // No process has this id: Linux ends at 4,194,304.
  await rig.write('.cache/setup/lock/owner', '4194305');

  const ended = await rig.setup(['packages']);

  expect(ended.exitCode).toBe(0);
});

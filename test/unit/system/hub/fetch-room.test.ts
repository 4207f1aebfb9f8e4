import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Disks, hostDisks } from '../../../../system/hub/check-room.ts';
import { SnapshotBench, wellBehaved } from '../../../fixtures/snapshot-bench.ts';

const wholeRepository = (3 << 20) + 23 + 14;

describe('the room for a fetch', () => {
  const bench = new SnapshotBench();
  let out: string;
  beforeEach(async () => {
    await bench.begin();
    out = join(bench.repository.root, 'out');
    await mkdir(out);
  });
  afterEach(() => bench.end());

  /** Free bytes by folder; folders with equal numbers of devices share them. */
  const disks = (changes: {
    readonly cache: number;
    readonly out?: number;
    readonly clones?: boolean;
    readonly isOneDisk?: boolean;
  }): Disks => ({
    freeBytes: async (folder) => (folder === out ? (changes.out ?? 0) : changes.cache),
    deviceOf: async (folder) => (folder === out && changes.isOneDisk !== true ? 2 : 1),
    canClone: async () => changes.clones ?? false,
  });
  const firstBytes = () => bench.hub.visits.filter(({ path }) => path.includes('/resolve/'));

  it('is counted before the first byte', async () => {
    const failing = bench.fetchFrom(wellBehaved, { disks: disks({ cache: 1_000_000 }) });

    await expect(failing).rejects.toMatchObject({
      name: 'DiskFull',
      details: { needed: wholeRepository, free: 1_000_000 },
    });
    expect(firstBytes()).toEqual([]);
  });

  it('is that of what is missing', async () => {
    await mkdir(bench.blobs(), { recursive: true });
    await writeFile(bench.partial(), bench.repository.weights.subarray(0, 3_000_000));

    const { folder } = await bench.fetchFrom(wellBehaved, { disks: disks({ cache: 200_000 }) });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('counts the copy that will be made on another disk, also of what is in the cache already', async () => {
    const failing = bench.fetchFrom(wellBehaved, {
      copyTo: out,
      disks: disks({ cache: 1 << 30, out: 1000 }),
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DiskFull',
      message: expect.stringContaining(out),
      details: { needed: wholeRepository, free: 1000 },
    });
    expect(firstBytes()).toEqual([]);
    const listing = await bench.list();
    await bench.fetchAgain(listing);
    await expect(
      bench.fetchAgain(listing, { copyTo: out, disks: disks({ cache: 1 << 30, out: 1000 }) }),
    ).rejects.toMatchObject({ name: 'DiskFull', details: { needed: wholeRepository } });
  });

  it('counts both on one disk that cannot clone, and one on a disk that can', async () => {
    const once = { cache: wholeRepository + 5, out: wholeRepository + 5, isOneDisk: true };

    const failing = bench.fetchFrom(wellBehaved, { copyTo: out, disks: disks(once) });

    await expect(failing).rejects.toMatchObject({
      name: 'DiskFull',
      details: { needed: 2 * wholeRepository, free: wholeRepository + 5 },
    });
    const { folder } = await bench.fetchAgain(await bench.list(), {
      copyTo: out,
      disks: disks({ ...once, clones: true }),
    });
    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('is asked of the host, which leaves nothing behind', async () => {
    await bench.startHub(wellBehaved);
    const folder = bench.repository.folder;
    const before = await readdir(folder);

    const clones = await hostDisks.canClone(folder, out);

    expect(typeof clones).toBe('boolean');
    expect(await hostDisks.deviceOf(folder)).toBe(await hostDisks.deviceOf(out));
    expect(await hostDisks.freeBytes(folder)).toBeGreaterThan(0);
    expect(await hostDisks.canClone(folder, join(out, 'absent'))).toBe(false);
    expect(await readdir(folder)).toEqual(before);
    expect(await readdir(out)).toEqual([]);
  });
});

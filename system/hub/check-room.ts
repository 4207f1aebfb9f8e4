import { randomUUID } from 'node:crypto';
import { constants, copyFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';

/** What the disks under folders can take. */
export interface Disks {
  readonly freeBytes: (folder: string) => Promise<number>;
  /** Equal for folders that share their room. */
  readonly deviceOf: (folder: string) => Promise<number>;
  /** Whether a file of one folder becomes a file of the other without new blocks. */
  readonly canClone: (from: string, to: string) => Promise<boolean>;
}

export const hostDisks: Disks = {
  /** What this user may still write; the blocks reserved for root do not count. */
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  async deviceOf(folder) {
    return (await stat(folder)).dev;
  },
  async canClone(from, to) {
    // File systems that can clone do not always say so; only trying tells.
    const [source, copy] = [join(from, `${randomUUID()}.probe`), join(to, `${randomUUID()}.probe`)];
    try {
      await writeFile(source, 'probe');
      await copyFile(source, copy, constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch {
      return false;
    } finally {
      await Promise.all([rm(source, { force: true }), rm(copy, { force: true })]);
    }
  },
};

/** Bytes that will be written below a folder, which exists. */
export interface RoomNeeded {
  readonly folder: string;
  readonly bytes: number;
}

/** Throws DiskFull if a disk has less room than all needs upon it together. `repo` is for the message. */
export async function checkRoom(repo: string, needs: readonly RoomNeeded[], disks: Disks): Promise<void> {
  const byDevice = new Map<number, RoomNeeded[]>();
  for (const need of needs) {
    const device = await disks.deviceOf(need.folder);
    byDevice.set(device, [...(byDevice.get(device) ?? []), need]);
  }
  for (const upon of byDevice.values()) {
    const needed = upon.reduce((sum, { bytes }) => sum + bytes, 0);
    const folders = upon.filter(({ bytes }) => bytes > 0).map(({ folder }) => folder);
    const free = await disks.freeBytes(upon[0]?.folder ?? '');
    if (needed <= free) continue;
    const message = `${repo} needs ${needed} bytes more in ${folders.join(' and ')}, where ${free} are free`;
    throw new BuildFailure('DiskFull', message, {
      hint: `Free ${needed - free} bytes.`,
      details: { needed, free },
    });
  }
}

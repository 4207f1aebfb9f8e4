import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AliasBook } from '../../../../system/artifact-store/aliases.ts';
import { createFolderStore } from '../../../../system/artifact-store/folder-store.ts';
import { sha256OfText } from '../../../../system/files/hash-file.ts';

const call = promisify(execFile);
const key = sha256OfText('a key');
let root = '';
let isMounted = false;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-full-'));
  isMounted = await call('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', root]).then(
    () => true,
    () => false,
  );
});

afterAll(async () => {
  if (isMounted) await call('umount', [root]);
  await rm(root, { recursive: true, force: true });
});

/** Writes until nothing fits any more. */
async function fill(): Promise<void> {
  for (const size of [65_536, 4_096, 1]) {
    for (let count = 0; ; count += 1) {
      const isWritten = await writeFile(join(root, `fill-${size}-${count}`), Buffer.alloc(size)).then(
        () => true,
        () => false,
      );
      if (!isWritten) break;
    }
  }
}

describe('a full disk', () => {
  it('is DiskFull wherever the store writes, and leaves no object', async ({ skip }) => {
    // Only root may mount a disk small enough to fill.
    skip(!isMounted, 'this needs the right to mount a tmpfs');
    const store = createFolderStore(root);
    await using scratch = await store.createScratch();
    await writeFile(join(scratch.folder, 'weights'), 'content');
    await fill();

    const request = {
      kind: 'model',
      folder: scratch.folder,
      facts: { text: 'x'.repeat(9_000) },
      provenance: null,
    } as const;
    await expect(store.publish(request)).rejects.toMatchObject({ name: 'DiskFull' });
    const never = new AbortController().signal;
    await expect(store.lease(key, never, () => undefined)).rejects.toMatchObject({ name: 'DiskFull' });
    await expect(
      new AliasBook(root).append({ alias: 'prod', release: key, run: '', by: '', reason: '', at: '' }, 0),
    ).rejects.toMatchObject({ name: 'DiskFull' });

    expect(await readdir(join(root, 'objects')).catch(() => [])).toEqual([]);
    expect(await readdir(join(scratch.folder))).toEqual(['weights']);
  });
});

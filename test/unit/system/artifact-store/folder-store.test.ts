import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef, Digest } from '../../../../core/domain/artifact.ts';
import type { ArtifactStore } from '../../../../system/artifact-store/contract.ts';
import { createFolderStore } from '../../../../system/artifact-store/folder-store.ts';
import { sha256OfText } from '../../../../system/files/hash-file.ts';
import { startStoreProcess } from '../../../fixtures/start-store-process.ts';

const key = sha256OfText('a key');
let root = '';
let store: ArtifactStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-store-'));
  store = createFolderStore(root);
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** Publishes two files, one of them in a folder. */
async function publish(content = 'content', facts = {}): Promise<ArtifactRef<'model'>> {
  await using scratch = await store.createScratch();
  await mkdir(join(scratch.folder, 'inner'));
  await writeFile(join(scratch.folder, 'inner', 'weights.bin'), content);
  await writeFile(join(scratch.folder, 'config.json'), '{}');
  const provenance = { step: 'test', stepVersion: 1, key, inputs: {}, parameters: {} };
  return await store.publish({ kind: 'model', folder: scratch.folder, facts, provenance });
}

const damagedNames = (): Promise<string[]> => readdir(join(root, 'damaged')).catch(() => []);
const objectOf = ({ digest }: ArtifactRef, ...parts: string[]): string =>
  join(root, 'objects', digest, ...parts);

async function edit(path: string, change: (path: string) => Promise<unknown>): Promise<void> {
  await chmod(path, 0o644);
  await change(path);
}

describe('a published artifact', () => {
  it('is found under its key, with its facts and where it came from', async () => {
    const artifact = await publish('content', { tensors: 3 });

    expect(await store.lookup(key, 'model')).toEqual({
      artifact,
      facts: { tensors: 3 },
      provenance: { step: 'test', stepVersion: 1, key, inputs: {}, parameters: {} },
    });
    expect(artifact.bytes).toBe('content'.length + '{}'.length);
  });

  it('has every file in its manifest, and can no longer be written', async () => {
    const artifact = await publish();
    const manifest = await store.verify(artifact.digest);

    expect(manifest.files).toEqual([
      { path: 'config.json', bytes: 2, sha256: sha256OfText('{}') },
      { path: 'inner/weights.bin', bytes: 7, sha256: sha256OfText('content') },
    ]);
    for (const { path } of [...manifest.files, { path: 'manifest.json' }]) {
      expect((await stat(objectOf(artifact, path))).mode & 0o222).toBe(0);
    }
  });

  it('is named by kind and content alone', async () => {
    const first = await publish('content', { when: 'today' });
    const again = await publish('content', { when: 'tomorrow' });
    const other = await publish('Content');

    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
    expect(await readdir(join(root, 'objects'))).toHaveLength(2);
  });

  it('is not found as something else, or under another key', async () => {
    await publish();

    expect(await store.lookup(key, 'engine')).toBeNull();
    expect(await store.lookup(sha256OfText('another'), 'model')).toBeNull();
  });

  it('leaves no scratch folder behind', async () => {
    await publish();
    await publish();

    expect(await readdir(join(root, 'scratch'))).toEqual([]);
  });

  it('may not contain links', async () => {
    await using scratch = await store.createScratch();
    await symlink('/etc/passwd', join(scratch.folder, 'passwd'));
    const request = { kind: 'model', folder: scratch.folder, facts: {}, provenance: null } as const;

    await expect(store.publish(request)).rejects.toMatchObject({ name: 'StoreCorrupt' });
    expect(await readdir(join(root, 'objects')).catch(() => [])).toEqual([]);
  });
});

describe('an artifact that is not there', () => {
  it('is ArtifactMissing, also when its name is no digest at all', async () => {
    for (const digest of [sha256OfText('nothing'), '../../etc' as Digest, '' as Digest]) {
      await expect(store.manifestOf(digest)).rejects.toMatchObject({ name: 'ArtifactMissing' });
      await expect(store.verify(digest)).rejects.toMatchObject({ name: 'ArtifactMissing' });
      await expect(store.folderOf({ kind: 'model', digest, bytes: 0 })).rejects.toMatchObject({
        name: 'ArtifactMissing',
      });
    }
  });
});

describe('damage', () => {
  const cases: [string, string, (artifact: ArtifactRef) => Promise<unknown>][] = [
    [
      'a flipped byte',
      'inner/weights.bin has another sha256',
      (artifact) => edit(objectOf(artifact, 'inner', 'weights.bin'), (path) => writeFile(path, 'c0ntent')),
    ],
    [
      'a truncated file',
      'inner/weights.bin has 3 bytes instead of 7',
      (artifact) => edit(objectOf(artifact, 'inner', 'weights.bin'), (path) => truncate(path, 3)),
    ],
    [
      'a longer file',
      'config.json has 3 bytes instead of 2',
      (artifact) => edit(objectOf(artifact, 'config.json'), (path) => appendFile(path, ' ')),
    ],
    [
      'a missing file',
      'inner/weights.bin is missing',
      (artifact) => rm(objectOf(artifact, 'inner'), { recursive: true }),
    ],
    [
      'a file too many',
      'extra does not belong there',
      (artifact) => writeFile(objectOf(artifact, 'extra'), ''),
    ],
    [
      'a link too many',
      'is neither a file nor a folder',
      (artifact) => symlink('config.json', objectOf(artifact, 'link')),
    ],
    [
      'an altered manifest',
      'its manifest was altered',
      (artifact) =>
        edit(objectOf(artifact, 'manifest.json'), async (path) =>
          writeFile(path, (await readFile(path, 'utf8')).replace('"model"', '"engine"')),
        ),
    ],
    [
      'a manifest that is no manifest',
      'manifest',
      (artifact) => edit(objectOf(artifact, 'manifest.json'), (path) => writeFile(path, '{}')),
    ],
    [
      'half a manifest',
      'manifest',
      (artifact) => edit(objectOf(artifact, 'manifest.json'), (path) => truncate(path, 40)),
    ],
  ];

  it.each(cases)('(%s) is found and named', async (_, message, damage) => {
    const artifact = await publish();
    await damage(artifact);

    const verified = store.verify(artifact.digest);

    await expect(verified).rejects.toMatchObject({
      name: 'StoreCorrupt',
      message: expect.stringContaining(message),
    });
  });

  it.each(cases)(
    '(%s) is set aside and counts as absent, and the next one to build it makes it whole',
    async (_, __, damage) => {
      const artifact = await publish();
      await damage(artifact);

      expect(await store.lookup(key, 'model')).toBeNull();
      expect(await damagedNames()).toEqual([expect.stringContaining(artifact.digest)]);
      expect(await publish()).toEqual(artifact);
      expect(await store.lookup(key, 'model')).toMatchObject({ artifact });
    },
  );

  it.each(cases)('(%s) of an object is replaced by who publishes the same content', async (_, __, damage) => {
    const artifact = await publish();
    await damage(artifact);

    expect(await publish()).toEqual(artifact);

    await expect(store.verify(artifact.digest)).resolves.toBeDefined();
    expect(await damagedNames()).toHaveLength(1);
  });

  it('of a key counts as absent', async () => {
    const artifact = await publish();
    for (const text of ['', '{', 'null', '{}', '{"artifact":{"kind":"model","digest":"../x"}}']) {
      await writeFile(join(root, 'keys', `${key}.json`), text);

      expect(await store.lookup(key, 'model')).toBeNull();
    }
    expect(await publish()).toEqual(artifact);
    expect(await store.lookup(key, 'model')).toMatchObject({ artifact });
  });

  it('that took the whole object counts as absent', async () => {
    const artifact = await publish();
    await rm(objectOf(artifact), { recursive: true });

    expect(await store.lookup(key, 'model')).toBeNull();
  });
});

describe('two processes', () => {
  it('that need the same key build it once, and both get it', async () => {
    using first = await startStoreProcess('build', root, key);
    using second = await startStoreProcess('build', root, key);
    first.go();
    second.go();

    const digests = await Promise.all([first.line(), second.line()]);

    expect(new Set(digests).size).toBe(1);
    expect((await readFile(join(root, 'built'), 'utf8')).trim().split('\n')).toHaveLength(1);
    expect(await readdir(join(root, 'objects'))).toEqual([digests[0]]);
    await expect(store.lookup(key, 'model')).resolves.not.toBeNull();
  });

  it('that publish the same content at once both succeed, and there is one whole object', async () => {
    using first = await startStoreProcess('publish', root, key);
    using second = await startStoreProcess('publish', root, key);
    first.go();
    second.go();

    const digests = await Promise.all([first.line(), second.line()]);

    expect(await readdir(join(root, 'objects'))).toEqual([digests[0]]);
    expect(digests[1]).toBe(digests[0]);
    await expect(store.verify(digests[0] as Digest)).resolves.toBeDefined();
  });
});

it('an unwritable store is StoreUnwritable, told by its folder', async () => {
  const file = join(root, 'no-folder');
  await writeFile(file, '');
  const elsewhere = createFolderStore(file);

  await expect(elsewhere.createScratch()).rejects.toMatchObject({ name: 'StoreUnwritable' });
  const lease = elsewhere.lease(key, new AbortController().signal, () => undefined);
  await expect(lease).rejects.toMatchObject({ name: 'StoreUnwritable' });
});

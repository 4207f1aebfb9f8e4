import { appendFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolderSource } from '../../../../system/sources/folder-source.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
let root = '';
let model = '';
let out = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-folder-'));
  model = join(root, 'model');
  out = join(root, 'out');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), '{}');
  await writeFile(join(model, 'model.safetensors'), 'weights');
  await writeFile(join(model, 'train.log'), 'not asked for');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const source = (path = model) => createFolderSource({ kind: 'folder', path });

describe('the commit of a folder', () => {
  it('stays while its files do, wherever the folder lies', async () => {
    const before = await source().resolve(scope);
    await rename(model, join(root, 'moved'));

    expect(before).toMatch(/^[0-9a-f]{40}$/);
    expect(await source(join(root, 'moved')).resolve(scope)).toBe(before);
  });

  it('changes with a byte, a name and a file', async () => {
    const commits = [await source().resolve(scope)];
    await writeFile(join(model, 'model.safetensors'), 'weightz');
    commits.push(await source().resolve(scope));
    await writeFile(join(model, 'tokenizer.json'), '{}');
    commits.push(await source().resolve(scope));
    await rename(join(model, 'tokenizer.json'), join(model, 'tokenizer_config.json'));
    commits.push(await source().resolve(scope));

    expect(new Set(commits).size).toBe(4);
  });

  it('does not change with files no recipe can use', async () => {
    const before = await source().resolve(scope);
    await appendFile(join(model, 'train.log'), 'more');

    expect(await source().resolve(scope)).toBe(before);
  });
});

describe('the listing', () => {
  it('has the usable files with their sizes and digests, also when the path ends with a slash', async () => {
    const listing = await source(`${model}/`).list('', scope);

    expect(listing.files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['config.json', 2],
      ['model.safetensors', 7],
    ]);
    expect(listing).toEqual(await source().list('', scope));
  });

  it('follows links to files, as caches of the hub lay their snapshots out', async () => {
    const before = await source().list('', scope);
    await rename(join(model, 'model.safetensors'), join(root, 'blob'));
    await symlink('../blob', join(model, 'model.safetensors'));

    expect(await source().list('', scope)).toEqual(before);
  });

  it('of a folder without weights is SnapshotEmpty', async () => {
    await rm(join(model, 'model.safetensors'));

    await expect(source().list('', scope)).rejects.toMatchObject({ name: 'SnapshotEmpty' });
    await rm(model, { recursive: true });
    await mkdir(model);
    await expect(source().list('', scope)).rejects.toMatchObject({ name: 'SnapshotEmpty' });
  });

  it('of a folder that is not there is RepositoryMissing', async () => {
    await expect(source(join(root, 'nowhere')).resolve(scope)).rejects.toMatchObject({
      name: 'RepositoryMissing',
    });
  });
});

describe('fetching', () => {
  it('copies the listed files and leaves the folder alone', async () => {
    const listing = await source().list('', scope);
    const facts = await source().fetch(listing, out, scope);
    await appendFile(join(out, 'model.safetensors'), '!');

    expect(facts).toMatchObject({ format: 'safetensors', files: 2, commit: listing.commit });
    expect(await readFile(join(model, 'model.safetensors'), 'utf8')).toBe('weights');
  });

  it('notices a file that changed since it was listed, or is gone', async () => {
    const listing = await source().list('', scope);
    await writeFile(join(model, 'model.safetensors'), 'Weights');
    await expect(source().fetch(listing, out, scope)).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      message: 'model.safetensors changed while it was copied',
    });

    await rm(join(model, 'model.safetensors'));
    await expect(source().fetch(listing, out, scope)).rejects.toMatchObject({ name: 'DownloadCorrupt' });
  });

  it('stops when asked to', async () => {
    const listing = await source().list('', scope);
    const stopped = { ...scope, signal: AbortSignal.abort(new Error('stop')) };

    await expect(source().fetch(listing, out, stopped)).rejects.toThrow('stop');
  });
});

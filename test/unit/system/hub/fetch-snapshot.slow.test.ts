import { mkdir, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wellBehaved, SnapshotBench } from '../../../fixtures/snapshot-bench.ts';

describe('fetchSnapshot', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it('lays the files out as every Hugging Face tool expects them', async () => {
    const { folder, files } = await bench.fetchFrom(wellBehaved);

    expect(files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
      'templates/chat template.jinja',
    ]);
    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(await readlink(join(folder, 'model.safetensors'))).toBe(`../../blobs/${bench.sha256()}`);
    expect(await readlink(join(folder, 'templates', 'chat template.jinja'))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
    );
    const ref = await readFile(
      join(bench.repository.cacheFolder, 'models--tiny--model', 'refs', 'main'),
      'utf8',
    );
    expect(folder.endsWith(`snapshots/${ref}`)).toBe(true);
    expect(await readdir(bench.blobs())).toHaveLength(3);
    expect(bench.reports.at(-1)).toEqual({ fraction: 1, note: '3 files' });
  });

  it('downloads nothing the second time, and replaces a blob that rotted on the disk', async () => {
    const { folder } = await bench.fetchFrom(wellBehaved);
    const listing = await bench.list();
    const before = bench.hub.visits.length;

    await bench.fetchAgain(listing);
    expect(bench.hub.visits).toHaveLength(before);

    const rotten = Buffer.from(bench.repository.weights);
    rotten.writeUInt8(rotten.readUInt8(1_000_000) ^ 1, 1_000_000);
    await writeFile(join(bench.blobs(), bench.sha256()), rotten);
    await bench.fetchAgain(listing);
    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.contentVisits()).toHaveLength(2);
  });

  it('downloads a file once when two fetches want it at the same time', async () => {
    await bench.startHub(wellBehaved);
    const listing = await bench.list();

    const [first, second] = await Promise.all([bench.fetchAgain(listing), bench.fetchAgain(listing)]);

    expect(first).toEqual(second);
    expect(bench.contentVisits()).toHaveLength(1);
  });

  it('leaves a partial file of another tool alone', async () => {
    await mkdir(bench.blobs(), { recursive: true });
    const foreign = join(bench.blobs(), `${bench.sha256()}.1a2b3c4d.incomplete`);
    await writeFile(foreign, 'theirs');

    await bench.fetchFrom(wellBehaved);

    expect(await readFile(foreign, 'utf8')).toBe('theirs');
  });

  it('replaces a link that points at other content', async () => {
    const { folder } = await bench.fetchFrom(wellBehaved);
    const listing = await bench.list();
    const path = join(folder, 'config.json');
    await rm(path);
    await symlink('../../blobs/nothing', path);

    await bench.fetchAgain(listing);

    expect(await readFile(path, 'utf8')).toContain('llama');
  });
});

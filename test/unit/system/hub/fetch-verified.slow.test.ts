import { access, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wellBehaved, SnapshotBench } from '../../../fixtures/snapshot-bench.ts';

describe('what a fetch lets pass', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it.each([
    [
      'one flipped bit',
      (weights: Buffer) =>
        Buffer.concat([
          weights.subarray(0, 99),
          Buffer.from([weights.readUInt8(99) ^ 1]),
          weights.subarray(100),
        ]),
    ],
    ['bytes behind the end', (weights: Buffer) => Buffer.concat([weights, Buffer.from('more')])],
  ])('gives no name to content with %s', async (_, spoil) => {
    const failing = bench.fetchFrom((visit, response) => {
      if (visit.host === 'content') response.writeHead(200).end(spoil(bench.repository.weights));
      return visit.host === 'content';
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      details: { path: 'model.safetensors', expected: bench.sha256() },
    });
    const left = await readdir(bench.blobs());
    expect(left.filter((name) => name.includes(bench.sha256()))).toEqual([]);
    await expect(access(join(bench.repository.cacheFolder, 'models--tiny--model', 'refs'))).rejects.toThrow(
      'ENOENT',
    );
  });

  it('verifies small files by their git id', async () => {
    const failing = bench.fetchFrom((visit, response) => {
      const isConfig = visit.path.endsWith('/config.json') && visit.path.includes('/resolve/');
      if (isConfig) response.writeHead(200).end('{"model_type":"gemma"}\n');
      return isConfig;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      details: { path: 'config.json' },
    });
    expect(
      (await readdir(bench.blobs())).filter((name) => name.includes('incomplete') && name.length < 64),
    ).toEqual([]);
  });

  it('refuses a file that the hub announces under another digest than it listed', async () => {
    const failing = bench.fetchFrom(async (visit, response) => {
      if (visit.host !== 'hub' || !visit.path.endsWith('model.safetensors')) return false;
      const { status, headers } = await visit.original();
      response.writeHead(status, { ...headers, 'x-linked-etag': `"${'a'.repeat(64)}"` }).end();
      return true;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      message: expect.stringContaining('now announces aaaa'),
    });
    expect(bench.contentVisits()).toHaveLength(1);
  });

  it('never shows its token to the host the hub redirects to', async () => {
    await bench.fetchFrom(wellBehaved, { token: 'hf_secret' });

    const resolves = bench.hub.visits.filter(
      ({ host, path }) => host === 'hub' && path.includes('/resolve/'),
    );
    expect(resolves.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer hf_secret'));
    expect(bench.contentVisits().map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it.each(['../outside', 'a/../../b', '/etc/passwd', 'a//b', 'a\\b', ''])(
    'refuses to store a file named %j',
    async (path) => {
      await bench.startHub(wellBehaved);
      const files = [{ path, bytes: 1, oid: 'a'.repeat(40) }];

      await expect(bench.fetchAgain({ commit: 'c'.repeat(40), files })).rejects.toMatchObject({
        name: 'DownloadCorrupt',
      });
    },
  );

  it.each([
    [{ revision: '../../x' }, 'RevisionMissing'],
    [{ commit: 'main' }, 'RevisionMissing'],
    [{ repo: '../x' }, 'RepositoryMissing'],
    [{ files: [] }, 'SnapshotEmpty'],
  ])('refuses %j before it touches the disk', async (changes, name) => {
    await bench.startHub(wellBehaved);
    const files = [{ path: 'a', bytes: 1, oid: 'a'.repeat(40) }];

    await expect(bench.fetchAgain({ commit: 'c'.repeat(40), files }, changes)).rejects.toMatchObject({
      name,
    });
    await expect(access(dirname(bench.blobs()))).rejects.toThrow('ENOENT');
  });
});

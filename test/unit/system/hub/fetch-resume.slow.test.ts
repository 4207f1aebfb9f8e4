import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Of, wellBehaved, SnapshotBench } from '../../../fixtures/snapshot-bench.ts';
import { cutAfter, stallAfter } from '../../../fixtures/unruly-hub.ts';

describe('fetching a file that broke off', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it('resumes a cut stream at the byte where it broke', async () => {
    const { folder } = await bench.fetchFrom((visit, response) =>
      visit.host === 'content' && visit.count === 1 ? cutAfter(1_000_000, visit, response) : false,
    );

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    const [first, second] = bench.contentVisits().map(({ headers }) => headers.range);
    expect(first).toBeUndefined();
    expect(second).toMatch(/^bytes=[1-9]\d{3,}-$/);
  });

  it('goes on where an earlier process was killed', async () => {
    await mkdir(bench.blobs(), { recursive: true });
    await writeFile(bench.partial(), bench.repository.weights.subarray(0, 2_000_000));

    const { folder } = await bench.fetchFrom(wellBehaved);

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.contentVisits().map(({ headers }) => headers.range)).toEqual(['bytes=2000000-']);
  });

  it('starts over when what an earlier process left is damaged', async () => {
    await mkdir(bench.blobs(), { recursive: true });
    await writeFile(bench.partial(), Buffer.alloc(2_000_000, 'x'));

    const { folder } = await bench.fetchFrom(wellBehaved);

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.contentVisits().map(({ headers }) => headers.range)).toEqual(['bytes=2000000-', undefined]);
  });

  it('restarts the file when a host answers 200 to a range request', async () => {
    const { folder } = await bench.fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      if (visit.count === 1) return await cutAfter(500_000, visit, response);
      response
        .writeHead(200, { 'content-length': bench.repository.weights.length })
        .end(bench.repository.weights);
      return true;
    });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('restarts the file when a host refuses the range with 416', async () => {
    const { folder } = await bench.fetchFrom((visit, response) => {
      if (visit.host !== 'content') return false;
      if (visit.count === 1) return cutAfter(500_000, visit, response);
      if (visit.count === 2) response.writeHead(416).end();
      return visit.count === 2;
    });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.contentVisits().map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]/),
      undefined,
    ]);
  });

  it('keeps what came when every attempt is cut short, and says how far it got', async () => {
    const failing = bench.fetchFrom((visit, response) =>
      visit.host === 'content' ? cutAfter(1000, visit, response) : false,
    );

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadTruncated',
      message: `tiny/model/model.safetensors ended after 3000 of ${3 << 20} bytes`,
    });
    expect(await bench.finishedBlobs()).not.toContain(bench.sha256());
    const partial = await readFile(bench.partial());
    expect(sha256Of(partial)).toBe(sha256Of(bench.repository.weights.subarray(0, 3000)));
  });

  it('reports a short body that ends without an error as truncated', async () => {
    const failing = bench.fetchFrom((visit, response) => {
      if (visit.host === 'content') response.writeHead(200).end(bench.repository.weights.subarray(0, 10));
      return visit.host === 'content';
    });

    await expect(failing).rejects.toMatchObject({ name: 'DownloadTruncated' });
  });

  it('stops at once when aborted, keeps what came, and resumes later', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const watching = bench.scope;
    bench.scope = { ...watching, signal: stop.signal };
    const failing = bench.fetchFrom((visit, response) =>
      visit.host === 'content' && visit.count === 1 ? stallAfter(1_200_000, visit, response) : false,
    );
    const caught = failing.catch((error: unknown) => error);
    const partial = bench.partial();
    while ((await stat(partial).catch(() => ({ size: 0 }))).size < 1_000_000) await sleep(10);

    const aborted = Date.now();
    stop.abort(reason);

    expect(await caught).toBe(reason);
    expect(Date.now() - aborted).toBeLessThan(1_000);
    bench.scope = watching;
    const listing = await bench.list();
    const { folder } = await bench.fetchAgain(listing);
    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.contentVisits().at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
  });

  it.each(['bytes 0-9/10', 'bytes 5-9/10', 'nonsense', undefined])(
    'asks again from the start when a host answers another range than was asked for: %s',
    async (range) => {
      const { folder } = await bench.fetchFrom(async (visit, response) => {
        if (visit.host !== 'content') return false;
        if (visit.count === 1) return await cutAfter(500_000, visit, response);
        if (visit.count > 2) return false;
        response.writeHead(206, range === undefined ? {} : { 'content-range': range }).end('0123456789');
        return true;
      });

      expect(await bench.weightsIn(folder)).toBe(bench.sha256());
      expect(bench.ranges()).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]/), undefined]);
    },
  );

  it('refuses other content that the hub announces while a stream is resumed, and names nothing by it', async () => {
    const failing = bench.fetchFrom(async (visit, response) => {
      if (visit.host === 'content') return await cutAfter(500_000, visit, response);
      if (!visit.path.endsWith('model.safetensors') || visit.count === 1) return false;
      const { status, headers } = await visit.original();
      response.writeHead(status, { ...headers, 'x-linked-etag': `"${'b'.repeat(64)}"` }).end();
      return true;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      message: expect.stringContaining('now announces bbbb'),
    });
    expect(await bench.finishedBlobs()).not.toContain(bench.sha256());
  });
});

import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotBench, wellBehaved } from '../../../fixtures/snapshot-bench.ts';
import { cutAfter, type Fault, stallAfter, type Visit } from '../../../fixtures/unruly-hub.ts';

const segmentBytes = 512 << 10;
const parts = { segmentBytes, streams: 3 };

describe('a large file', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  const firstOf = (visit: Visit, range: string): boolean =>
    visit.host === 'content' && visit.headers.range === range;
  const fetchFrom = async (fault: Fault) => bench.weightsIn((await bench.fetchFrom(fault, parts)).folder);
  const fetchAgain = async () => bench.weightsIn((await bench.fetchAgain(await bench.list(), parts)).folder);

  it('is fetched in several streams at once, each with its own part', async () => {
    let [open, most] = [0, 0];
    const digest = await fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      await sleep(30);
      return false;
    });

    expect(digest).toBe(bench.sha256());
    expect(most).toBe(3);
    expect(bench.ranges()).toContain('bytes=524288-1048575');
    expect(bench.ranges()).toContain('bytes=2621440-');
    expect(bench.ranges()).toHaveLength(6);
    expect(await readdir(bench.blobs())).toHaveLength(3);
    expect(bench.reports.at(-1)).toEqual({ fraction: 1, note: '3 files' });
  });

  it('resumes each stream at the byte where it broke', async () => {
    const digest = await fetchFrom((visit, response) =>
      firstOf(visit, 'bytes=524288-1048575') &&
      bench.ranges().filter((range) => range?.endsWith('-1048575')).length === 1
        ? cutAfter(100_000, visit, response)
        : false,
    );

    expect(digest).toBe(bench.sha256());
    const second = bench.ranges().filter((range) => range?.endsWith('-1048575'));
    expect(second).toHaveLength(2);
    expect(second[1]).not.toBe(second[0]);
  });

  it('goes on with every part where an earlier fetch was ended', async () => {
    const stop = new AbortController();
    const watching = bench.scope;
    bench.scope = { ...watching, signal: stop.signal };
    const failing = fetchFrom((visit, response) =>
      visit.host === 'content' ? stallAfter(200_000, visit, response) : false,
    ).catch((error: unknown) => error);
    while (bench.reports.every(({ note }) => !note?.startsWith('model'))) await sleep(10);
    await sleep(200);
    stop.abort(new Error('enough'));
    expect(await failing).toMatchObject({ message: 'enough' });
    expect((await stat(bench.growing())).size).toBe(bench.repository.weights.length);

    bench.scope = watching;
    await bench.hub[Symbol.asyncDispose]();
    await bench.startHub(wellBehaved);

    expect(await fetchAgain()).toBe(bench.sha256());
    const starts = bench.ranges().map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]));
    expect(starts.filter((start) => start % segmentBytes !== 0).length).toBe(3);
    expect(await readdir(bench.blobs())).toHaveLength(3);
  });

  it('starts over when what an earlier fetch left is damaged', async () => {
    await bench.startHub(wellBehaved);
    await fetchAgain();
    await writeFile(bench.growing(), Buffer.alloc(bench.repository.weights.length, 'x'));
    await writeFile(join(bench.blobs(), bench.sha256()), 'rotten');
    const journal = {
      bytes: bench.repository.weights.length,
      segmentBytes,
      done: Array(6).fill(segmentBytes),
    };
    await writeFile(`${bench.growing()}.json`, JSON.stringify(journal));

    expect(await fetchAgain()).toBe(bench.sha256());
  });

  it.each([
    ['of another file size', { bytes: 5, segmentBytes: 1, done: [1, 1, 1, 1, 1] }],
    ['that is no journal', { done: 'all' }],
    ['of segments without number', { bytes: 3 << 20, segmentBytes: 1, done: [] }],
    ['with more in a segment than it has', { bytes: 3 << 20, segmentBytes: 3 << 20, done: [2 ** 40] }],
  ])('is not fooled by a journal %s', async (_, journal) => {
    await bench.startHub(wellBehaved);
    await mkdir(bench.blobs(), { recursive: true });
    await writeFile(bench.growing(), Buffer.alloc(3 << 20));
    await writeFile(`${bench.growing()}.json`, JSON.stringify(journal));

    expect(await fetchAgain()).toBe(bench.sha256());
  });

  it('comes as one stream from a host that sends whole files only', async () => {
    const digest = await fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      response
        .writeHead(200, { 'content-length': bench.repository.weights.length })
        .end(bench.repository.weights);
      return true;
    });

    expect(digest).toBe(bench.sha256());
    expect(await readdir(bench.blobs())).toHaveLength(3);
  });

  it('of the wrong content is thrown away', async () => {
    const wrong = Buffer.from(bench.repository.weights);
    wrong.writeUInt8(wrong.readUInt8(2_000_000) ^ 1, 2_000_000);
    const failing = fetchFrom((visit, response) => {
      if (visit.host !== 'content') return false;
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(visit.headers.range ?? '') ?? [];
      const end = to === '' ? wrong.length : Number(to) + 1;
      const headers = { 'content-range': `bytes ${from}-${end - 1}/${wrong.length}` };
      response.writeHead(206, headers).end(wrong.subarray(Number(from), end));
      return true;
    });

    await expect(failing).rejects.toMatchObject({ name: 'DownloadCorrupt' });
    expect((await readdir(bench.blobs())).filter((name) => name.includes('incomplete'))).toEqual([]);
  });
});

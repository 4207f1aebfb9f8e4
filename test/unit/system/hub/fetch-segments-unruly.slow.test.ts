import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { patience, SnapshotBench } from '../../../fixtures/snapshot-bench.ts';
import { type Fault, stallAfter, type Visit } from '../../../fixtures/unruly-hub.ts';

const program = fileURLToPath(new URL('../../../fixtures/fetch-snapshot-process.ts', import.meta.url));
const segmentBytes = 512 << 10;
const second = 'bytes=524288-1048575';

describe('a segment of a large file', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  const isSecond = ({ host, headers }: Visit): boolean => host === 'content' && headers.range === second;
  /** The first answer for the second segment is spoiled, all others are true. */
  const once_ = (spoil: Fault): Fault => {
    let isSpoiled = false;
    return (visit, response) => {
      if (isSpoiled || !isSecond(visit)) return false;
      isSpoiled = true;
      return spoil(visit, response);
    };
  };
  const fetchFrom = async (fault: Fault, changes: Partial<typeof patience> = {}) => {
    const { folder } = await bench.fetchFrom(fault, {
      segmentBytes,
      streams: 3,
      patience: { ...patience, ...changes },
    });
    return bench.weightsIn(folder);
  };
  const secondAsked = () => bench.ranges().filter((range) => range?.endsWith('-1048575'));

  it.each(['bytes 0-524287/3145728', 'bytes 524289-1048575/3145728', 'nonsense'])(
    'is asked for again when another range comes: %s',
    async (range) => {
      const digest = await fetchFrom(
        once_((_, response) => {
          response.writeHead(206, { 'content-range': range }).end(Buffer.alloc(segmentBytes, 'x'));
          return true;
        }),
      );

      expect(digest).toBe(bench.sha256());
      expect(secondAsked()).toEqual([second, second]);
    },
  );

  it.each([429, 503])('is asked for again after a %i, as late as that says', async (status) => {
    const times: number[] = [];
    const spoil = once_((_, response) => {
      response.writeHead(status, { 'retry-after': '0.3' }).end();
      return true;
    });
    const digest = await fetchFrom((visit, response) => {
      if (isSecond(visit)) times.push(Date.now());
      return spoil(visit, response);
    });

    expect(digest).toBe(bench.sha256());
    const [first = 0, again = 0] = times;
    expect(again - first).toBeGreaterThanOrEqual(299);
  });

  it('that stalls is cut, and goes on where it stood', async () => {
    const digest = await fetchFrom(
      once_((visit, response) => stallAfter(100_000, visit, response)),
      { stallMs: 300 },
    );

    expect(digest).toBe(bench.sha256());
    expect(secondAsked()[1]).toMatch(/^bytes=(?!524288-)\d+-1048575$/);
  });

  it('that a host refuses with 416 makes the file come as one stream', async () => {
    const digest = await fetchFrom(
      once_((_, response) => {
        response.writeHead(416).end();
        return true;
      }),
    );

    expect(digest).toBe(bench.sha256());
    expect(bench.ranges()).toContain(undefined);
    expect(await readdir(bench.blobs())).toHaveLength(3);
  });

  it('of content that the hub now announces as another ends the fetch and leaves no file', async () => {
    let asked = 0;
    const failing = fetchFrom(async (visit, response) => {
      if (visit.host !== 'hub' || !visit.path.endsWith('model.safetensors') || ++asked < 3) return false;
      const { status, headers } = await visit.original();
      response.writeHead(status, { ...headers, 'x-linked-etag': `"${'b'.repeat(64)}"` }).end();
      return true;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      message: expect.stringContaining('now announces bbbb'),
    });
    expect((await readdir(bench.blobs())).filter((name) => name.includes(bench.sha256()))).toEqual([]);
  });

  it('is taken up by another process when the first was killed', async () => {
    let isLater = false;
    await bench.startHub(async (visit, response) => {
      if (visit.host !== 'content' || isLater) return false;
      const { status, headers, body } = await visit.original();
      response.writeHead(status, headers);
      // Slow, and never whole.
      for (let at = 0; at < 400_000; at += 20_000) {
        response.write(body.subarray(at, at + 20_000));
        await sleep(100);
      }
      return true;
    });
    const { repo, cacheFolder } = bench.repository;
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', program, bench.hub.endpoint, repo, cacheFolder, String(segmentBytes)],
      { stdio: 'inherit' },
    );
    while ((await journalled()) < 300_000) await sleep(20);

    child.kill('SIGKILL');
    await once(child, 'exit');
    isLater = true;
    const { folder } = await bench.fetchAgain(await bench.list(), { segmentBytes, streams: 3 });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    const starts = bench.ranges().map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]));
    expect(starts.filter((start) => start % segmentBytes !== 0).length).toBeGreaterThanOrEqual(1);
    expect(await readdir(bench.blobs())).toHaveLength(3);
  });

  async function journalled(): Promise<number> {
    const text = await readFile(`${bench.growing()}.json`, 'utf8').catch(() => '{"done":[]}');
    const { done } = JSON.parse(text) as { done: number[] };
    return done.reduce((sum, bytes) => sum + bytes, 0);
  }
});

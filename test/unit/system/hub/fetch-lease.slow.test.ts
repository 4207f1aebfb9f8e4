import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotBench } from '../../../fixtures/snapshot-bench.ts';
import type { Fault } from '../../../fixtures/unruly-hub.ts';

/** Another holder, alive on another host. */
const stranger = JSON.stringify({ host: 'elsewhere', pid: 1, token: 'theirs' });

describe('a fetch whose lease was taken over while it stood still', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  /** Bodies stop after their first 300,000 bytes and go on when told. */
  function halting(): { fault: Fault; goOn: () => void } {
    let goOn: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (goOn = resolve));
    const fault: Fault = async (visit, response) => {
      if (visit.host !== 'content') return false;
      const { status, headers, body } = await visit.original();
      response.writeHead(status, headers);
      response.write(body.subarray(0, 300_000));
      await told;
      response.end(body.subarray(300_000));
      return true;
    };
    return { fault, goOn };
  }

  const hasFirstBytes = async (path: string): Promise<boolean> => {
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    return content.subarray(0, 300_000).equals(bench.repository.weights.subarray(0, 300_000));
  };
  it.each([
    ['a stream', 64 << 20],
    ['segments', 1 << 20],
  ])('touches nothing more as %s, and takes what the other one finished', async (_, segmentBytes) => {
    const { fault, goOn } = halting();
    const path = segmentBytes > 3 << 20 ? bench.partial() : bench.growing();
    const fetching = bench.fetchFrom(fault, { segmentBytes, streams: 1 });
    while (!(await hasFirstBytes(path))) await sleep(20);
    // Longer than a chunk may rely on the last look at the lease.
    await sleep(400);

    await writeFile(bench.lease(), stranger);
    // What the other one has written by now.
    await writeFile(path, 'theirs');
    goOn();
    await sleep(700);
    expect(await readFile(path, 'utf8')).toBe('theirs');
    expect(await readFile(bench.lease(), 'utf8')).toBe(stranger);

    await rm(path);
    await writeFile(`${bench.blobs()}/${bench.sha256()}`, bench.repository.weights);
    await rm(bench.lease());
    const { folder } = await fetching;

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
    expect(bench.reports.at(-1)).toEqual({ fraction: 1, note: '3 files' });
    expect(bench.reports.every(({ fraction }) => fraction >= 0 && fraction <= 1)).toBe(true);
  });
});

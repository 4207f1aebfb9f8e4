import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { impatient, patience, SnapshotBench } from '../../../fixtures/snapshot-bench.ts';
import { stallAfter } from '../../../fixtures/unruly-hub.ts';

describe('the patience of a fetch', () => {
  const bench = new SnapshotBench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it('waits as long as a rate limit asks, then goes on', async () => {
    const times: number[] = [];
    await bench.fetchFrom((visit, response) => {
      if (!visit.path.endsWith('/config.json')) return false;
      times.push(Date.now());
      if (visit.count === 1) response.writeHead(429, { 'retry-after': '0.3' }).end();
      return visit.count === 1;
    });

    expect(times).toHaveLength(2);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(299);
  });

  it('does not wait when a rate limit asks for more than its patience', async () => {
    const failing = bench.fetchFrom((visit, response) => {
      const isConfig = visit.path.endsWith('/config.json');
      if (isConfig) response.writeHead(429, { ratelimit: '"api";r=0;t=999' }).end();
      return isConfig;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'HubUnreachable',
      message: expect.stringContaining('429'),
    });
  });

  it.each([500, 503, 408])('tries again after a %i', async (status) => {
    const { folder } = await bench.fetchFrom((visit, response) => {
      if (visit.count === 1) response.writeHead(status).end('later');
      return visit.count === 1;
    });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('asks the hub for a new address when a signed one has expired', async () => {
    const { folder } = await bench.fetchFrom((visit, response) => {
      const isFirst = visit.host === 'content' && visit.count === 1;
      if (isFirst) response.writeHead(403).end('Request has expired');
      return isFirst;
    });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('cuts a stream that stalls and resumes it', async () => {
    const { folder } = await bench.fetchFrom(
      (visit, response) =>
        visit.host === 'content' && visit.count === 1 ? stallAfter(1_500_000, visit, response) : false,
      impatient,
    );

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });

  it('cuts a drip that never ends', async () => {
    const drips: NodeJS.Timeout[] = [];
    const failing = bench.fetchFrom((visit, response) => {
      if (visit.host !== 'content') return false;
      response.writeHead(200, { 'content-length': bench.repository.weights.length });
      drips.push(setInterval(() => response.write('x'), 20));
      return true;
    }, impatient);

    await expect(failing).rejects.toMatchObject({ name: 'DownloadTruncated' });
    drips.forEach((drip) => clearInterval(drip));
  });

  it('gives up on a hub that accepts a request and never answers', async () => {
    const failing = bench.fetchFrom((visit) => visit.path.endsWith('/config.json'), {
      patience: { ...patience, answerMs: 100 },
    });

    await expect(failing).rejects.toMatchObject({
      name: 'HubUnreachable',
      message: expect.stringContaining('no answer in time'),
    });
  });

  it.each([
    [429, 'a date', () => new Date(Date.now() + 2_000).toUTCString()],
    [503, 'seconds', () => '1'],
  ])('waits after a %i that names %s', async (status, _, after) => {
    const times: number[] = [];
    await bench.fetchFrom((visit, response) => {
      if (!visit.path.endsWith('/config.json')) return false;
      times.push(Date.now());
      if (visit.count === 1) response.writeHead(status, { 'retry-after': after() }).end();
      return visit.count === 1;
    });

    const [first = 0, second = 0] = times;
    // A date has whole seconds, so two of them are at least one.
    expect(second - first).toBeGreaterThanOrEqual(990);
  });

  it.each([
    ['a date in the past', new Date(0).toUTCString()],
    ['no date at all', 'soon'],
  ])('goes on by its own pace when a rate limit names %s', async (_, after) => {
    const { folder } = await bench.fetchFrom((visit, response) => {
      const isFirst = visit.path.endsWith('/config.json') && visit.count === 1;
      if (isFirst) response.writeHead(429, { 'retry-after': after }).end();
      return isFirst;
    });

    expect(await bench.weightsIn(folder)).toBe(bench.sha256());
  });
});

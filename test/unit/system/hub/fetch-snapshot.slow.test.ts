import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EffectScope, Progress } from '../../../../core/domain/progress.ts';
import { type SnapshotFetch, fetchSnapshot } from '../../../../system/hub/fetch-snapshot.ts';
import { resolveRevision } from '../../../../system/hub/resolve-revision.ts';
import { type SmallRepository, makeSmallRepository } from '../../../fixtures/small-repository.ts';
import {
  type Fault,
  type UnrulyHub,
  type Visit,
  cutAfter,
  stallAfter,
  startUnrulyHub,
} from '../../../fixtures/unruly-hub.ts';

const patience = { attempts: 3, backoffMs: 5, longestWaitMs: 2_000, answerMs: 10_000, stallMs: 10_000 };
const impatient = { patience: { ...patience, stallMs: 200 } };
const wellBehaved: Fault = () => false;

describe('fetchSnapshot', () => {
  let repository: SmallRepository;
  let hub: UnrulyHub;
  let scope: EffectScope;
  let reports: Progress[];
  beforeEach(async () => {
    repository = await makeSmallRepository();
    reports = [];
    scope = { signal: new AbortController().signal, onProgress: (progress) => reports.push(progress) };
  });
  afterEach(async () => {
    await hub[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  const blobs = () => join(repository.cacheFolder, 'models--tiny--model', 'blobs');
  const sha256 = () => createHash('sha256').update(repository.weights).digest('hex');
  const finishedBlobs = async () => (await readdir(blobs())).filter((name) => /^[0-9a-f]+$/.test(name));
  const contentVisits = (): Visit[] => hub.visits.filter(({ host }) => host === 'content');

  const listFrom = ({ endpoint }: UnrulyHub) =>
    resolveRevision({ endpoint, repo: repository.repo, revision: 'main', patience }, scope);

  async function fetchFrom(fault: Fault, changes: Partial<SnapshotFetch> = {}) {
    hub = await startUnrulyHub({ root: repository.root, tokens: { hf_secret: [] } }, fault);
    const listing = await listFrom(hub);
    return await fetchAgain(listing, changes);
  }

  async function fetchAgain(
    listing: { commit: string; files: SnapshotFetch['files'] },
    changes: Partial<SnapshotFetch> = {},
  ) {
    const { repo, cacheFolder } = repository;
    const { commit, files } = listing;
    return await fetchSnapshot(
      { endpoint: hub.endpoint, repo, commit, revision: 'main', files, cacheFolder, patience, ...changes },
      scope,
    );
  }

  // Digests: comparing megabytes byte by byte is the slowest thing an assertion library can do.
  const sha256Of = (content: Buffer) => createHash('sha256').update(content).digest('hex');
  const weightsIn = async (folder: string) => sha256Of(await readFile(join(folder, 'model.safetensors')));

  it('lays the files out as every Hugging Face tool expects them', async () => {
    const { folder, files } = await fetchFrom(wellBehaved);

    expect(files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
      'templates/chat template.jinja',
    ]);
    expect(await weightsIn(folder)).toBe(sha256());
    expect(await readlink(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256()}`);
    expect(await readlink(join(folder, 'templates', 'chat template.jinja'))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
    );
    const ref = await readFile(join(repository.cacheFolder, 'models--tiny--model', 'refs', 'main'), 'utf8');
    expect(folder.endsWith(`snapshots/${ref}`)).toBe(true);
    expect(await readdir(blobs())).toHaveLength(3);
    expect(reports.at(-1)).toEqual({ fraction: 1, note: '3 files' });
  });

  it('downloads nothing the second time, and replaces a blob that rotted on the disk', async () => {
    const { folder } = await fetchFrom(wellBehaved);
    const listing = await listFrom(hub);
    const before = hub.visits.length;

    await fetchAgain(listing);
    expect(hub.visits).toHaveLength(before);

    const rotten = Buffer.from(repository.weights);
    rotten.writeUInt8(rotten.readUInt8(1_000_000) ^ 1, 1_000_000);
    await writeFile(join(blobs(), sha256()), rotten);
    await fetchAgain(listing);
    expect(await weightsIn(folder)).toBe(sha256());
    expect(contentVisits()).toHaveLength(2);
  });

  it('resumes a cut stream at the byte where it broke', async () => {
    const { folder } = await fetchFrom((visit, response) =>
      visit.host === 'content' && visit.count === 1 ? cutAfter(1_000_000, visit, response) : false,
    );

    expect(await weightsIn(folder)).toBe(sha256());
    const [first, second] = contentVisits().map(({ headers }) => headers.range);
    expect(first).toBeUndefined();
    expect(second).toMatch(/^bytes=[1-9]\d{3,}-$/);
  });

  it('goes on where an earlier process was killed', async () => {
    await mkdir(blobs(), { recursive: true });
    await writeFile(
      join(blobs(), `${sha256()}.resumable.incomplete`),
      repository.weights.subarray(0, 2_000_000),
    );

    const { folder } = await fetchFrom(wellBehaved);

    expect(await weightsIn(folder)).toBe(sha256());
    expect(contentVisits().map(({ headers }) => headers.range)).toEqual(['bytes=2000000-']);
  });

  it('starts over when what an earlier process left is damaged', async () => {
    await mkdir(blobs(), { recursive: true });
    await writeFile(join(blobs(), `${sha256()}.resumable.incomplete`), Buffer.alloc(2_000_000, 'x'));

    const { folder } = await fetchFrom(wellBehaved);

    expect(await weightsIn(folder)).toBe(sha256());
    expect(contentVisits().map(({ headers }) => headers.range)).toEqual(['bytes=2000000-', undefined]);
  });

  it('restarts the file when a host answers 200 to a range request', async () => {
    const { folder } = await fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      if (visit.count === 1) return await cutAfter(500_000, visit, response);
      response.writeHead(200, { 'content-length': repository.weights.length }).end(repository.weights);
      return true;
    });

    expect(await weightsIn(folder)).toBe(sha256());
  });

  it('restarts the file when a host refuses the range with 416', async () => {
    const { folder } = await fetchFrom((visit, response) => {
      if (visit.host !== 'content') return false;
      if (visit.count === 1) return cutAfter(500_000, visit, response);
      if (visit.count === 2) response.writeHead(416).end();
      return visit.count === 2;
    });

    expect(await weightsIn(folder)).toBe(sha256());
    expect(contentVisits().map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]/),
      undefined,
    ]);
  });

  it('keeps what came when every attempt is cut short, and says how far it got', async () => {
    const failing = fetchFrom((visit, response) =>
      visit.host === 'content' ? cutAfter(1000, visit, response) : false,
    );

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadTruncated',
      message: `tiny/model/model.safetensors ended after 3000 of ${3 << 20} bytes`,
    });
    expect(await finishedBlobs()).not.toContain(sha256());
    const partial = await readFile(join(blobs(), `${sha256()}.resumable.incomplete`));
    expect(sha256Of(partial)).toBe(sha256Of(repository.weights.subarray(0, 3000)));
  });

  it('reports a short body that ends without an error as truncated', async () => {
    const failing = fetchFrom((visit, response) => {
      if (visit.host === 'content') response.writeHead(200).end(repository.weights.subarray(0, 10));
      return visit.host === 'content';
    });

    await expect(failing).rejects.toMatchObject({ name: 'DownloadTruncated' });
  });

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
    const failing = fetchFrom((visit, response) => {
      if (visit.host === 'content') response.writeHead(200).end(spoil(repository.weights));
      return visit.host === 'content';
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      details: { path: 'model.safetensors', expected: sha256() },
    });
    const left = await readdir(blobs());
    expect(left.filter((name) => name.includes(sha256()))).toEqual([]);
    await expect(access(join(repository.cacheFolder, 'models--tiny--model', 'refs'))).rejects.toThrow(
      'ENOENT',
    );
  });

  it('verifies small files by their git id', async () => {
    const failing = fetchFrom((visit, response) => {
      const isConfig = visit.path.endsWith('/config.json') && visit.path.includes('/resolve/');
      if (isConfig) response.writeHead(200).end('{"model_type":"gemma"}\n');
      return isConfig;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      details: { path: 'config.json' },
    });
    expect(
      (await readdir(blobs())).filter((name) => name.includes('incomplete') && name.length < 64),
    ).toEqual([]);
  });

  it('refuses a file that the hub announces under another digest than it listed', async () => {
    const failing = fetchFrom(async (visit, response) => {
      if (visit.host !== 'hub' || !visit.path.endsWith('model.safetensors')) return false;
      const { status, headers } = await visit.original();
      response.writeHead(status, { ...headers, 'x-linked-etag': `"${'a'.repeat(64)}"` }).end();
      return true;
    });

    await expect(failing).rejects.toMatchObject({
      name: 'DownloadCorrupt',
      message: expect.stringContaining('now announces aaaa'),
    });
    expect(contentVisits()).toHaveLength(1);
  });

  it('waits as long as a rate limit asks, then goes on', async () => {
    const times: number[] = [];
    await fetchFrom((visit, response) => {
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
    const failing = fetchFrom((visit, response) => {
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
    const { folder } = await fetchFrom((visit, response) => {
      if (visit.count === 1) response.writeHead(status).end('later');
      return visit.count === 1;
    });

    expect(await weightsIn(folder)).toBe(sha256());
  });

  it('asks the hub for a new address when a signed one has expired', async () => {
    const { folder } = await fetchFrom((visit, response) => {
      const isFirst = visit.host === 'content' && visit.count === 1;
      if (isFirst) response.writeHead(403).end('Request has expired');
      return isFirst;
    });

    expect(await weightsIn(folder)).toBe(sha256());
  });

  it('cuts a stream that stalls and resumes it', async () => {
    const { folder } = await fetchFrom(
      (visit, response) =>
        visit.host === 'content' && visit.count === 1 ? stallAfter(1_500_000, visit, response) : false,
      impatient,
    );

    expect(await weightsIn(folder)).toBe(sha256());
  });

  it('cuts a drip that never ends', async () => {
    const drips: NodeJS.Timeout[] = [];
    const failing = fetchFrom((visit, response) => {
      if (visit.host !== 'content') return false;
      response.writeHead(200, { 'content-length': repository.weights.length });
      drips.push(setInterval(() => response.write('x'), 20));
      return true;
    }, impatient);

    await expect(failing).rejects.toMatchObject({ name: 'DownloadTruncated' });
    drips.forEach((drip) => clearInterval(drip));
  });

  it('gives up on a hub that accepts a request and never answers', async () => {
    const failing = fetchFrom((visit) => visit.path.endsWith('/config.json'), {
      patience: { ...patience, answerMs: 100 },
    });

    await expect(failing).rejects.toMatchObject({
      name: 'HubUnreachable',
      message: expect.stringContaining('no answer in time'),
    });
  });

  it('never shows its token to the host the hub redirects to', async () => {
    await fetchFrom(wellBehaved, { token: 'hf_secret' });

    const resolves = hub.visits.filter(({ host, path }) => host === 'hub' && path.includes('/resolve/'));
    expect(resolves.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer hf_secret'));
    expect(contentVisits().map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('counts the disk before the first byte', async () => {
    const failing = fetchFrom(wellBehaved, { freeBytes: async () => 1_000_000 });

    const needed = (3 << 20) + 23 + 14;
    await expect(failing).rejects.toMatchObject({ name: 'DiskFull', details: { needed, free: 1_000_000 } });
    expect(hub.visits.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });

  it('counts only what is missing against the disk', async () => {
    await mkdir(blobs(), { recursive: true });
    await writeFile(
      join(blobs(), `${sha256()}.resumable.incomplete`),
      repository.weights.subarray(0, 3_000_000),
    );

    const { folder } = await fetchFrom(wellBehaved, { freeBytes: async () => 200_000 });

    expect(await weightsIn(folder)).toBe(sha256());
  });

  it('stops at once when aborted, keeps what came, and resumes later', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const watching = scope;
    scope = { ...watching, signal: stop.signal };
    const failing = fetchFrom((visit, response) =>
      visit.host === 'content' && visit.count === 1 ? stallAfter(1_200_000, visit, response) : false,
    );
    const caught = failing.catch((error: unknown) => error);
    const partial = join(blobs(), `${sha256()}.resumable.incomplete`);
    while ((await stat(partial).catch(() => ({ size: 0 }))).size < 1_000_000) await sleep(10);

    const aborted = Date.now();
    stop.abort(reason);

    expect(await caught).toBe(reason);
    expect(Date.now() - aborted).toBeLessThan(1_000);
    scope = watching;
    const listing = await listFrom(hub);
    const { folder } = await fetchAgain(listing);
    expect(await weightsIn(folder)).toBe(sha256());
    expect(contentVisits().at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
  });

  it('downloads a file once when two fetches want it at the same time', async () => {
    hub = await startUnrulyHub({ root: repository.root }, wellBehaved);
    const listing = await listFrom(hub);

    const [first, second] = await Promise.all([fetchAgain(listing), fetchAgain(listing)]);

    expect(first).toEqual(second);
    expect(contentVisits()).toHaveLength(1);
  });

  it('leaves a partial file of another tool alone', async () => {
    await mkdir(blobs(), { recursive: true });
    const foreign = join(blobs(), `${sha256()}.1a2b3c4d.incomplete`);
    await writeFile(foreign, 'theirs');

    await fetchFrom(wellBehaved);

    expect(await readFile(foreign, 'utf8')).toBe('theirs');
  });

  it('replaces a link that points at other content', async () => {
    const { folder } = await fetchFrom(wellBehaved);
    const listing = await listFrom(hub);
    const path = join(folder, 'config.json');
    await rm(path);
    await symlink('../../blobs/nothing', path);

    await fetchAgain(listing);

    expect(await readFile(path, 'utf8')).toContain('llama');
  });

  it.each(['../outside', 'a/../../b', '/etc/passwd', 'a//b', 'a\\b', ''])(
    'refuses to store a file named %j',
    async (path) => {
      hub = await startUnrulyHub({ root: repository.root }, wellBehaved);
      const files = [{ path, bytes: 1, oid: 'a'.repeat(40) }];

      await expect(fetchAgain({ commit: 'c'.repeat(40), files })).rejects.toMatchObject({
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
    hub = await startUnrulyHub({ root: repository.root }, wellBehaved);
    const files = [{ path: 'a', bytes: 1, oid: 'a'.repeat(40) }];

    await expect(fetchAgain({ commit: 'c'.repeat(40), files }, changes)).rejects.toMatchObject({ name });
    await expect(access(dirname(blobs()))).rejects.toThrow('ENOENT');
  });
});

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EffectScope, Progress } from '../../../../core/domain/progress.ts';
import { fetchSnapshot, type SnapshotFetch } from '../../../../system/hub/fetch-snapshot.ts';
import { resolveRevision } from '../../../../system/hub/resolve-revision.ts';
import { makeSmallRepository, type SmallRepository } from '../../../fixtures/small-repository.ts';
import {
  cutAfter,
  type Fault,
  stallAfter,
  startUnrulyHub,
  type UnrulyHub,
  type Visit,
} from '../../../fixtures/unruly-hub.ts';

const patience = { attempts: 3, backoffMs: 5, longestWaitMs: 2_000, answerMs: 10_000, stallMs: 10_000 };
const segmentBytes = 512 << 10;
const wellBehaved: Fault = () => false;

describe('a large file', () => {
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
  const growing = () => join(blobs(), `${sha256()}.segments.incomplete`);
  const ranges = (): (string | undefined)[] =>
    hub.visits.filter(({ host }) => host === 'content').map(({ headers }) => headers.range);
  const firstOf = (visit: Visit, range: string): boolean =>
    visit.host === 'content' && visit.headers.range === range;

  async function fetchFrom(fault: Fault) {
    hub = await startUnrulyHub({ root: repository.root }, fault);
    return fetchAgain({});
  }

  async function fetchAgain(changes: Partial<SnapshotFetch>) {
    const { endpoint } = hub;
    const { repo, cacheFolder } = repository;
    const { commit, files } = await resolveRevision({ endpoint, repo, revision: 'main', patience }, scope);
    const request = { endpoint, repo, commit, files, cacheFolder, patience, segmentBytes, streams: 3 };
    const { folder } = await fetchSnapshot({ ...request, ...changes }, scope);
    return createHash('sha256')
      .update(await readFile(join(folder, 'model.safetensors')))
      .digest('hex');
  }

  it('is fetched in several streams at once, each with its own part', async () => {
    let [open, most] = [0, 0];
    const digest = await fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      await sleep(30);
      return false;
    });

    expect(digest).toBe(sha256());
    expect(most).toBe(3);
    expect(ranges()).toContain('bytes=524288-1048575');
    expect(ranges()).toContain('bytes=2621440-');
    expect(ranges()).toHaveLength(6);
    expect(await readdir(blobs())).toHaveLength(3);
    expect(reports.at(-1)).toEqual({ fraction: 1, note: '3 files' });
  });

  it('resumes each stream at the byte where it broke', async () => {
    const digest = await fetchFrom((visit, response) =>
      firstOf(visit, 'bytes=524288-1048575') &&
      ranges().filter((range) => range?.endsWith('-1048575')).length === 1
        ? cutAfter(100_000, visit, response)
        : false,
    );

    expect(digest).toBe(sha256());
    const second = ranges().filter((range) => range?.endsWith('-1048575'));
    expect(second).toHaveLength(2);
    expect(second[1]).not.toBe(second[0]);
  });

  it('goes on with every part where an earlier fetch was ended', async () => {
    const stop = new AbortController();
    const watching = scope;
    scope = { ...watching, signal: stop.signal };
    const failing = fetchFrom((visit, response) =>
      visit.host === 'content' ? stallAfter(200_000, visit, response) : false,
    ).catch((error: unknown) => error);
    while (reports.every(({ note }) => !note?.startsWith('model'))) await sleep(10);
    await sleep(200);
    stop.abort(new Error('enough'));
    expect(await failing).toMatchObject({ message: 'enough' });
    expect((await stat(growing())).size).toBe(repository.weights.length);

    scope = watching;
    await hub[Symbol.asyncDispose]();
    hub = await startUnrulyHub({ root: repository.root }, wellBehaved);

    expect(await fetchAgain({})).toBe(sha256());
    const starts = ranges().map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]));
    expect(starts.filter((start) => start % segmentBytes !== 0).length).toBe(3);
    expect(await readdir(blobs())).toHaveLength(3);
  });

  it('starts over when what an earlier fetch left is damaged', async () => {
    hub = await startUnrulyHub({ root: repository.root }, wellBehaved);
    await fetchAgain({});
    await writeFile(growing(), Buffer.alloc(repository.weights.length, 'x'));
    await writeFile(join(blobs(), sha256()), 'rotten');
    const journal = { bytes: repository.weights.length, segmentBytes, done: Array(6).fill(segmentBytes) };
    await writeFile(`${growing()}.json`, JSON.stringify(journal));

    expect(await fetchAgain({})).toBe(sha256());
  });

  it.each([
    ['of another file size', { bytes: 5, segmentBytes: 1, done: [1, 1, 1, 1, 1] }],
    ['that is no journal', { done: 'all' }],
  ])('is not fooled by a journal %s', async (_, journal) => {
    hub = await startUnrulyHub({ root: repository.root }, wellBehaved);
    await mkdir(blobs(), { recursive: true });
    await writeFile(growing(), 'x');
    await writeFile(`${growing()}.json`, JSON.stringify(journal));

    expect(await fetchAgain({})).toBe(sha256());
  });

  it('comes as one stream from a host that sends whole files only', async () => {
    const digest = await fetchFrom(async (visit, response) => {
      if (visit.host !== 'content') return false;
      response.writeHead(200, { 'content-length': repository.weights.length }).end(repository.weights);
      return true;
    });

    expect(digest).toBe(sha256());
    expect(await readdir(blobs())).toHaveLength(3);
  });

  it('of the wrong content is thrown away', async () => {
    const wrong = Buffer.from(repository.weights);
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
    expect((await readdir(blobs())).filter((name) => name.includes('incomplete'))).toEqual([]);
  });
});

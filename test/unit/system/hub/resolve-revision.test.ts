import { createServer } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveRevision } from '../../../../system/hub/resolve-revision.ts';
import { fetchSnapshot } from '../../../../system/hub/fetch-snapshot.ts';
import { type SmallRepository, makeSmallRepository } from '../../../fixtures/small-repository.ts';
import { type Fault, startUnrulyHub } from '../../../fixtures/unruly-hub.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const patience = { attempts: 2, backoffMs: 5, answerMs: 2_000, stallMs: 1_000 };
const wellBehaved: Fault = () => false;

describe('resolveRevision', () => {
  let repository: SmallRepository;
  beforeEach(async () => {
    repository = await makeSmallRepository();
  });
  afterEach(() => repository[Symbol.asyncDispose]());

  const access = { tokens: { hf_friend: ['tiny/model'], hf_stranger: [] }, gated: ['tiny/model'] };

  it('lists every file with size and digest at one commit, over several pages', async () => {
    await mkdir(join(repository.folder, 'deep', 'deeper'), { recursive: true });
    for (let at = 0; at < 12; at++)
      await writeFile(join(repository.folder, 'deep', 'deeper', `${at}.json`), `${at}`);
    await using hub = await startUnrulyHub({ root: repository.root, pageSize: 5 }, wellBehaved);

    const listing = await resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main' },
      scope,
    );

    expect(listing.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(listing.files).toHaveLength(15);
    expect(listing.files.find(({ path }) => path === 'model.safetensors')).toMatchObject({
      bytes: 3 << 20,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(listing.files.find(({ path }) => path === 'config.json')).toEqual({
      path: 'config.json',
      bytes: 23,
      oid: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(listing).not.toHaveProperty('gated');
    const byCommit = await resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: listing.commit },
      scope,
    );
    expect(byCommit).toEqual(listing);
  });

  it.each([
    ['tiny/nothing', 'main', 'RepositoryMissing', 'has no repository tiny/nothing'],
    ['tiny/model', 'v2', 'RevisionMissing', 'tiny/model has no revision v2'],
    ['tiny/model', 'refs/pr/1', 'RevisionMissing', 'tiny/model has no revision refs/pr/1'],
    ['tiny/../model', 'main', 'RepositoryMissing', 'is no repository name'],
  ])('names what is missing for %s at %s', async (repo, revision, name, words) => {
    await using hub = await startUnrulyHub({ root: repository.root }, wellBehaved);

    const failing = resolveRevision({ endpoint: hub.endpoint, repo, revision, patience }, scope);

    await expect(failing).rejects.toMatchObject({ name, message: expect.stringContaining(words) });
  });

  it('takes a 401 for a repository that may not even exist as missing, as the hub means it', async () => {
    await using hub = await startUnrulyHub({ root: repository.root }, (_, response) => {
      response
        .writeHead(401, {
          'x-error-code': 'RepoNotFound',
          'x-error-message': 'Invalid username or password.',
        })
        .end();
      return true;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/private', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({
      name: 'RepositoryMissing',
      hint: expect.stringContaining('token'),
    });
  });

  it('says how access to a gated repository is granted, and lets the account through that accepted the licence', async () => {
    await using hub = await startUnrulyHub({ root: repository.root, ...access }, wellBehaved);
    const { endpoint } = hub;
    const listing = await resolveRevision({ endpoint, repo: 'tiny/model', revision: 'main' }, scope);
    expect(listing.gated).toBe('manual');

    const { commit, files } = listing;
    const fetch = {
      endpoint,
      repo: 'tiny/model',
      commit,
      files,
      cacheFolder: repository.cacheFolder,
      patience,
    };
    await expect(fetchSnapshot(fetch, scope)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('tiny/model is gated (401)'),
      hint: expect.stringContaining(`${endpoint}/tiny/model`),
    });
    await expect(fetchSnapshot({ ...fetch, token: 'hf_stranger' }, scope)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('tiny/model is gated (403)'),
    });
    const { folder } = await fetchSnapshot({ ...fetch, token: 'hf_friend' }, scope);
    expect(folder).toContain(commit);
  });

  it('reports a wrong token without repeating it, even when the hub does', async () => {
    await using hub = await startUnrulyHub({ root: repository.root }, (visit, response) => {
      response
        .writeHead(401, { 'x-error-message': `Invalid credentials: ${visit.headers.authorization}` })
        .end();
      return true;
    });

    const query = {
      endpoint: hub.endpoint,
      repo: 'tiny/model',
      revision: 'main',
      token: 'hf_very_secret',
      patience,
    };
    const failure = await resolveRevision(query, scope).then(
      () => new Error('it was let in'),
      (error: Error) => error,
    );

    expect(failure).toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('Invalid credentials'),
    });
    expect(inspect(failure, { depth: 9 })).not.toContain('hf_very_secret');
  });

  it('follows a redirect to the new name of a repository, with the token', async () => {
    await using hub = await startUnrulyHub({ root: repository.root, ...access }, (visit, response) => {
      const isOld = visit.path.includes('/old/');
      if (isOld)
        response.writeHead(307, { location: visit.path.replace('/old/', '/model/') + visit.search }).end();
      return isOld;
    });

    const query = {
      endpoint: hub.endpoint,
      repo: 'tiny/old',
      revision: 'main',
      token: 'hf_friend',
      patience,
    };
    const { files } = await resolveRevision(query, scope);

    expect(files).toHaveLength(3);
    const target = hub.visits.find(({ path }) => path === '/api/models/tiny/model/revision/main');
    expect(target?.headers.authorization).toBe('Bearer hf_friend');
  });

  it('ends when redirects go in a circle', async () => {
    await using hub = await startUnrulyHub({ root: repository.root }, (_, response) => {
      response.writeHead(302, { location: '/round' }).end();
      return true;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('in a circle') });
  });

  it('names the host when nobody listens there', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));

    const query = { endpoint: `http://127.0.0.1:${port}`, repo: 'tiny/model', revision: 'main', patience };
    await expect(resolveRevision(query, scope)).rejects.toMatchObject({
      name: 'HubUnreachable',
      message: `127.0.0.1:${port} cannot be reached: connection refused`,
    });
  });

  it.each([
    ['a page that is no JSON', '<html>proxy login</html>'],
    ['JSON of another shape', '{"sha":"main"}'],
  ])('recognises %s as no hub', async (_, body) => {
    await using hub = await startUnrulyHub({ root: repository.root }, (_visit, response) => {
      response.writeHead(200).end(body);
      return true;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({
      name: 'HubUnreachable',
      hint: expect.stringContaining('HF_ENDPOINT'),
    });
  });

  it('refuses a listing that leads out of the cache', async () => {
    await using hub = await startUnrulyHub({ root: repository.root }, (visit, response) => {
      const isTree = visit.path.includes('/tree/');
      if (isTree)
        response
          .writeHead(200)
          .end(JSON.stringify([{ type: 'file', path: '../../.ssh/config', size: 1, oid: 'a'.repeat(40) }]));
      return isTree;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('leaves the repository'),
    });
  });

  it.each([
    ['itself', () => '?recursive=true&expand=false', 'names itself'],
    ['an earlier page', (count: number) => `?cursor=${count % 3}`, 'names itself or an earlier one'],
    ['ever new pages', (count: number) => `?cursor=${count}`, 'more than 2000 pages'],
  ])('ends with a hub whose pages lead to %s', { timeout: 120_000 }, async (_, next, words) => {
    let asked = 0;
    await using hub = await startUnrulyHub({ root: repository.root }, (visit, response) => {
      if (!visit.path.includes('/tree/')) return false;
      asked += 1;
      response.writeHead(200, { link: `<${visit.path}${next(asked)}>; rel="next"` }).end('[]');
      return true;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({
      name: 'HubUnreachable',
      message: expect.stringContaining(words),
    });
    expect(asked).toBeLessThanOrEqual(2000);
  });

  it('ends with a hub that lists more entries than any repository has', { timeout: 60_000 }, async () => {
    const page = JSON.stringify(Array.from({ length: 300_000 }, () => ({ type: 'directory', path: 'a' })));
    await using hub = await startUnrulyHub({ root: repository.root }, (visit, response) => {
      if (!visit.path.includes('/tree/')) return false;
      response.writeHead(200, { link: `<${visit.path}?cursor=${visit.count}>; rel="next"` }).end(page);
      return true;
    });

    const failing = resolveRevision(
      { endpoint: hub.endpoint, repo: 'tiny/model', revision: 'main', patience },
      scope,
    );

    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('more than 1000000 entries'),
    });
  });

  it('refuses an endpoint with credentials, and does not repeat them', async () => {
    const endpoint = 'http://user:hunter2@127.0.0.1:9';

    const failing = resolveRevision({ endpoint, repo: 'tiny/model', revision: 'main', patience }, scope);

    const failure = await failing.catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'UsageInvalid' });
    expect(inspect(failure, { depth: 5 })).not.toContain('hunter2');
  });
});

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LoopbackHub, startLoopbackHub } from '../../../../system/loopback-hub/start-loopback-hub.ts';
import { rawGet } from '../../../fixtures/raw-get.ts';
import { type SmallRepository, makeSmallRepository } from '../../../fixtures/small-repository.ts';

describe('startLoopbackHub', () => {
  let repository: SmallRepository;
  let hub: LoopbackHub;
  beforeEach(async () => {
    repository = await makeSmallRepository();
    hub = await startLoopbackHub({
      root: repository.root,
      tokens: { hf_friend: ['tiny/model'], hf_stranger: [] },
      pageSize: 2,
    });
  });
  afterEach(async () => {
    await hub.close();
    await repository[Symbol.asyncDispose]();
  });

  const get = (path: string, init: RequestInit = {}) =>
    fetch(hub.endpoint + path, { redirect: 'manual', ...init });
  const listed = z.array(z.object({ path: z.string() }));
  const getJson = async (path: string): Promise<unknown> => (await get(path)).json();
  const pathsAt = async (path: string) => listed.parse(await getJson(path)).map((entry) => entry.path);
  const commit = async (): Promise<string> =>
    z.object({ sha: z.string() }).parse(await getJson('/api/models/tiny/model')).sha;
  const sha256 = () => createHash('sha256').update(repository.weights).digest('hex');

  it('serves the folders that hold a model or an adapter, and no others', async () => {
    await mkdir(join(repository.root, 'data'));
    await writeFile(join(repository.root, 'data', 'eval.jsonl'), '{}');
    await mkdir(join(repository.root, 'lora'));
    await writeFile(join(repository.root, 'lora', 'adapter_config.json'), '{}');

    expect(await hub.repositories()).toEqual(['tiny/lora', 'tiny/model']);
    expect((await get('/api/models/tiny/data')).status).toBe(404);
  });

  it('gives files git ids, and the commit that git itself would give the same tree', async () => {
    // The real git, in a folder of its own, with the pointer in place of the large file as git-lfs stores it.
    const work = join(repository.root, '..', 'git');
    await mkdir(join(work, 'templates'), { recursive: true });
    await writeFile(join(work, 'config.json'), await readFile(join(repository.folder, 'config.json')));
    await writeFile(join(work, 'templates', 'chat template.jinja'), '{{ messages }}');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256()}\nsize ${3 << 20}\n`;
    await writeFile(join(work, 'model.safetensors'), pointer);
    const who = { NAME: 'loopback-hub', EMAIL: 'loopback-hub@localhost', DATE: '@0 +0000' };
    const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: work, GIT_CONFIG_NOSYSTEM: '1' };
    for (const [key, value] of Object.entries(who))
      Object.assign(env, { [`GIT_AUTHOR_${key}`]: value, [`GIT_COMMITTER_${key}`]: value });
    const git = (...args: string[]) => execFileSync('git', args, { cwd: work, env, encoding: 'utf8' });
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-q', '-m', 'Content of the folder');

    expect(await commit()).toBe(git('rev-parse', 'HEAD').trim());
    const entries = await getJson('/api/models/tiny/model/tree/main?limit=1');
    expect(entries).toEqual([
      { type: 'directory', oid: git('rev-parse', 'HEAD:templates').trim(), size: 0, path: 'templates' },
    ]);
  });

  it('makes a new commit when one byte of the weights changes, even under the same size and time', async () => {
    const before = await commit();
    expect(await commit()).toBe(before);

    const path = join(repository.folder, 'model.safetensors');
    const { atime, mtime } = await stat(path);
    const changed = Buffer.from(repository.weights);
    changed.writeUInt8(changed.readUInt8(5) ^ 1, 5);
    await writeFile(path, changed);
    await utimes(path, atime, mtime);

    const after = await commit();
    expect(after).not.toBe(before);
    const old = await get(`/tiny/model/resolve/${before}/config.json`);
    expect([old.status, old.headers.get('x-error-code')]).toEqual([404, 'RevisionNotFound']);
    await writeFile(path, repository.weights);
    expect(await commit()).toBe(before);
  });

  it('describes a model with its files, and with their sizes and digests on demand', async () => {
    const plain = await getJson('/api/models/tiny/model/revision/main');
    expect(plain).toMatchObject({
      id: 'tiny/model',
      private: false,
      gated: false,
      siblings: [{ rfilename: 'config.json' }, {}, {}],
    });

    const blobId = execFileSync('git', ['hash-object', join(repository.folder, 'config.json')], {
      encoding: 'utf8',
    });
    const large = { sha256: sha256(), size: 3 << 20, pointerSize: 132 };
    expect(await getJson('/api/models/tiny/model?blobs=true')).toMatchObject({
      siblings: [
        { rfilename: 'config.json', size: 23, blobId: blobId.trim() },
        { rfilename: 'model.safetensors', size: 3 << 20, lfs: large },
        {},
      ],
    });

    const expanded = await getJson('/api/models/tiny/model?expand=sha&expand=gated');
    expect(expanded).toEqual({
      _id: expect.any(String),
      id: 'tiny/model',
      sha: await commit(),
      gated: false,
    });
  });

  it('lists the tree by folder or as a whole, page by page', async () => {
    expect(await pathsAt('/api/models/tiny/model/tree/main?limit=10')).toEqual(['templates', 'config.json']);

    const paths: string[] = [];
    for (
      let url: string | null = `${hub.endpoint}/api/models/tiny/model/tree/main?recursive=true&expand=true`;
      url !== null;
    ) {
      const page = await fetch(url);
      const entries = (await page.json()) as { path: string; lastCommit: { id: string } }[];
      expect(entries.every(({ lastCommit }) => /^[0-9a-f]{40}$/.test(lastCommit.id))).toBe(true);
      paths.push(...entries.map(({ path }) => path));
      url = /<(.*)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1] ?? null;
    }
    expect(paths).toEqual(['templates', 'config.json', 'model.safetensors', 'templates/chat template.jinja']);

    const inside = await pathsAt('/api/models/tiny/model/tree/main/templates');
    expect(inside).toEqual(['templates/chat template.jinja']);
    expect((await get('/api/models/tiny/model/tree/main/nowhere')).headers.get('x-error-code')).toBe(
      'EntryNotFound',
    );
  });

  it.each([
    ['application/json', JSON.stringify({ paths: ['config.json', 'nothing'], expand: false })],
    ['application/x-www-form-urlencoded', 'paths=config.json&paths=nothing&expand=False'],
  ])('answers paths-info asked as %s', async (type, body) => {
    const answer = await get('/api/models/tiny/model/paths-info/main', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });

    expect(await answer.json()).toEqual([
      { type: 'file', path: 'config.json', size: 23, oid: expect.any(String) },
    ]);
  });

  it('answers a small file directly, with its git id as ETag', async () => {
    const head = await get('/tiny/model/resolve/main/templates/chat%20template.jinja', { method: 'HEAD' });
    const body = await get('/tiny/model/resolve/main/templates/chat%20template.jinja');

    expect(head.status).toBe(200);
    expect(head.headers.get('etag')).toMatch(/^"[0-9a-f]{40}"$/);
    expect(head.headers.get('x-repo-commit')).toBe(await commit());
    expect(head.headers.get('content-length')).toBe('14');
    expect(await body.text()).toBe('{{ messages }}');
  });

  it('redirects a large file to the second host, announcing sha256 and size', async () => {
    const redirect = await get('/tiny/model/resolve/main/model.safetensors');

    expect(redirect.status).toBe(302);
    expect(redirect.headers.get('x-linked-etag')).toBe(`"${sha256()}"`);
    expect(redirect.headers.get('x-linked-size')).toBe(String(3 << 20));
    const location = redirect.headers.get('location') ?? '';
    expect(new URL(location).origin).toBe(hub.contentEndpoint);
    expect(new URL(location).origin).not.toBe(hub.endpoint);
    const content = await fetch(location);
    expect(
      createHash('sha256')
        .update(Buffer.from(await content.arrayBuffer()))
        .digest('hex'),
    ).toBe(sha256());
    expect(content.headers.get('etag')).not.toContain(sha256());
    expect((await fetch(location, { headers: { authorization: 'Bearer hf_friend' } })).status).toBe(400);
    expect((await fetch(location.replace(/signature=./, 'signature=_'))).status).toBe(403);
  });

  it.each([
    ['bytes=0-0', 206, 'bytes 0-0/23', '{'],
    ['bytes=20-', 206, 'bytes 20-22/23', '"}\n'],
    ['bytes=-2', 206, 'bytes 21-22/23', '}\n'],
    ['bytes=21-99', 206, 'bytes 21-22/23', '}\n'],
    ['bytes=-99', 206, 'bytes 0-22/23', '{"model_type":"llama"}\n'],
    ['bytes=23-', 416, 'bytes */23', ''],
    ['bytes=-0', 416, 'bytes */23', ''],
    ['bytes=5-2', 200, null, '{"model_type":"llama"}\n'],
    ['bytes=0-1,4-5', 200, null, '{"model_type":"llama"}\n'],
    ['items=0-1', 200, null, '{"model_type":"llama"}\n'],
  ])('answers the range %s with %i', async (range, status, contentRange, text) => {
    const answer = await get('/tiny/model/resolve/main/config.json', { headers: { range } });

    expect([answer.status, answer.headers.get('content-range'), await answer.text()]).toEqual([
      status,
      contentRange,
      text,
    ]);
  });

  it('sends the whole file when If-Range names other content', async () => {
    const headers = { range: 'bytes=5-', 'if-range': '"something else"' };
    expect((await get('/tiny/model/resolve/main/config.json', { headers })).status).toBe(200);
  });

  it.each([
    ['/api/models/tiny/nothing', 404, 'RepoNotFound'],
    ['/api/models/other/model', 404, 'RepoNotFound'],
    ['/tiny/nothing/resolve/main/config.json', 404, 'RepoNotFound'],
    ['/api/models/tiny/model/revision/v2', 404, 'RevisionNotFound'],
    ['/tiny/model/resolve/refs%2Fpr%2F1/config.json', 404, 'RevisionNotFound'],
    ['/tiny/model/resolve/main/nothing.json', 404, 'EntryNotFound'],
    ['/tiny/model/resolve/main/templates', 404, 'EntryNotFound'],
    ['/api/models/tiny/model/constructor/main', 404, null],
    ['/tiny/model/resolve/main/%zz', 400, null],
    ['/', 404, null],
  ])('refuses %s with %i %s', async (path, status, code) => {
    const answer = await get(path);

    expect([answer.status, answer.headers.get('x-error-code')]).toEqual([status, code]);
    expect(await answer.json()).toEqual({ error: answer.headers.get('x-error-message') });
  });

  it('tells a missing file together with the commit, also to HEAD', async () => {
    const answer = await get('/tiny/model/resolve/main/nothing.json', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('x-repo-commit')]).toEqual([404, await commit()]);
  });

  it.each([
    '/tiny/model/resolve/main/../../../secret.txt',
    '/tiny/model/resolve/main/..%2f..%2fsecret.txt',
    '/tiny/model/resolve/main/%2e%2e/%2e%2e/secret.txt',
    '/tiny/model/resolve/main//secret.txt',
    '/tiny/..%2f/resolve/main/secret.txt',
    '/tiny/model/resolve/main/link.json',
    '/tiny/model/resolve/main/.hidden',
    '/tiny/model/resolve/main/config.json%00',
  ])('gives nothing out for %s', async (path) => {
    await writeFile(join(repository.root, '..', 'secret.txt'), 'secret');
    await writeFile(join(repository.root, 'secret.txt'), 'secret');
    await writeFile(join(repository.folder, '.hidden'), 'secret');
    await symlink(join(repository.root, 'secret.txt'), join(repository.folder, 'link.json'));

    // fetch would tidy the path up before it is sent.
    const { status, text } = await rawGet(hub.endpoint, path);

    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('secret"}');
    expect(text).not.toBe('secret');
  });

  it('keeps listings of a gated repository public and its files closed', async () => {
    await hub.close();
    hub = await startLoopbackHub({
      root: repository.root,
      tokens: { hf_friend: ['tiny/model'], hf_stranger: [] },
      gated: ['tiny/model'],
    });
    const file = async (token?: string) => {
      const answer = await get(
        '/tiny/model/resolve/main/config.json',
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      );
      return [answer.status, answer.headers.get('x-error-code')];
    };

    expect(await getJson('/api/models/tiny/model')).toMatchObject({ gated: 'manual' });
    expect(await file()).toEqual([401, 'GatedRepo']);
    expect(await file('hf_stranger')).toEqual([403, 'GatedRepo']);
    expect(await file('hf_unknown')).toEqual([401, null]);
    expect(await file('hf_friend')).toEqual([200, null]);
  });

  it('answers 404 rather than wrong bytes when a file changes between listing and sending', async () => {
    const location = (await get('/tiny/model/resolve/main/model.safetensors')).headers.get('location') ?? '';
    await rename(join(repository.folder, 'model.safetensors'), join(repository.folder, 'gone'));

    expect((await fetch(location)).status).toBe(404);
  });

  it('names a port that is in use, and frees both ports when closed', async () => {
    const port = Number(new URL(hub.endpoint).port);
    await expect(startLoopbackHub({ root: repository.root, port })).rejects.toMatchObject({
      name: 'PortTaken',
    });

    const cdnPort = Number(new URL(hub.contentEndpoint).port);
    await hub.close();
    hub = await startLoopbackHub({ root: repository.root, port, cdnPort });
    expect(hub.endpoint).toBe(`http://127.0.0.1:${port}`);
  });
});

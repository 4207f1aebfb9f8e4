import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { snapshotDownload } from '@huggingface/hub';
import { constantFrom, sample, string, tuple } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { matchesAny } from '../../system/hub/file-name-match.ts';
import { fetchSnapshot } from '../../system/hub/fetch-snapshot.ts';
import { resolveRevision } from '../../system/hub/resolve-revision.ts';
import { selectFiles } from '../../system/hub/select-files.ts';
import { type LoopbackHub, startLoopbackHub } from '../../system/loopback-hub/start-loopback-hub.ts';

/**
 * The loopback hub against the two clients Hugging Face publishes, unchanged, and our cache against the Python
 * one. What a run showed is in docs/results/hub-clients.md.
 */

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const root = join(project, 'examples', 'sample');
const repositories = ['lora-glossary', 'lora-summarise', 'lora-vocab', 'sample-llama'];
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let hub: LoopbackHub;
let place: string;
beforeAll(async () => {
  // The npm client reports every file there.
  vi.spyOn(console, 'debug').mockImplementation(() => undefined);
  place = await mkdtemp(join(tmpdir(), 'enginewright-clients-'));
  hub = await startLoopbackHub({ root, pageSize: 3 });
});
afterAll(async () => {
  await hub.close();
  await rm(place, { recursive: true, force: true });
});

/** sha256 by path of every file below a folder; links are followed. */
async function digests(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.sort().map(async (path) => {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return [path.slice(folder.length + 1), digest] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

describe('@huggingface/hub', () => {
  it.each(repositories)('downloads %s byte for byte', async (name) => {
    const folder = await snapshotDownload({
      repo: `sample/${name}`,
      hubUrl: hub.endpoint,
      cacheDir: join(place, 'npm'),
    });

    expect(await digests(folder)).toEqual(await digests(join(root, name)));
  });

  it('is told what does not exist', async () => {
    const cacheDir = join(place, 'npm');
    const download = (repo: string, revision: string) =>
      snapshotDownload({ repo, revision, hubUrl: hub.endpoint, cacheDir });

    await expect(download('sample/nothing', 'main')).rejects.toMatchObject({ statusCode: 404 });
    await expect(download('sample/sample-llama', 'v9')).rejects.toThrow('Invalid rev id: v9');
  });
});

const python = await installPython();

describe.runIf(python !== undefined)('huggingface_hub', () => {
  /** Runs Python with the given lines after `import json, sys, huggingface_hub as hub`; returns what it prints as JSON. */
  async function ask(
    cache: string,
    lines: string[],
    environment: Record<string, string> = {},
  ): Promise<unknown> {
    const program = ['import json, sys, huggingface_hub as hub', ...lines].join('\n');
    const env = {
      PATH: process.env['PATH'],
      HOME: place,
      HF_ENDPOINT: hub.endpoint,
      HF_HUB_CACHE: join(place, cache),
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      HF_HUB_DISABLE_TELEMETRY: '1',
      ...environment,
    };
    const { stdout } = await run(python ?? '', ['-c', program], { env, timeout: 60_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
  }

  it.each(repositories)('downloads %s byte for byte', async (name) => {
    const folder = await ask('python', [`print(json.dumps(hub.snapshot_download("sample/${name}")))`]);

    expect(await digests(String(folder))).toEqual(await digests(join(root, name)));
  });

  it('sees the same commit, files, sizes and digests as our client', async () => {
    const seen = await ask('python', [
      'api = hub.HfApi()',
      'info = api.model_info("sample/sample-llama", files_metadata=True)',
      'tree = [f for f in api.list_repo_tree("sample/sample-llama", recursive=True, expand=True)]',
      'paths = api.get_paths_info("sample/sample-llama", ["config.json", "model-00001-of-00002.safetensors"], expand=True)',
      'one = lambda f: [f.path, f.size, f.blob_id, f.lfs.sha256 if f.lfs else None]',
      'print(json.dumps({"sha": info.sha, "siblings": [[s.rfilename, s.size, s.blob_id] for s in info.siblings],',
      '  "tree": [one(f) for f in tree], "paths": [one(f) for f in paths], "last": tree[0].last_commit.oid}))',
    ]);

    const { commit, files } = await resolveRevision(
      { endpoint: hub.endpoint, repo: 'sample/sample-llama', revision: 'main' },
      scope,
    );
    const rows = files.map(({ path, bytes, oid, sha256 }) => [path, bytes, oid, sha256 ?? null]);
    expect(seen).toEqual({
      sha: commit,
      siblings: files.map(({ path, bytes, oid }) => [path, bytes, oid]),
      tree: rows,
      paths: rows.filter(([path]) => path === 'config.json' || path === 'model-00001-of-00002.safetensors'),
      last: commit,
    });
  });

  it('raises its own errors for what is missing or closed', async () => {
    await using gated = await startLoopbackHub({
      root,
      tokens: { hf_stranger: [] },
      gated: ['sample/sample-llama'],
    });
    const attempt = (repo: string, more = '') =>
      `  try_(lambda: hub.hf_hub_download("sample/${repo}", ${more || '"config.json"'})),`;

    const raised = await ask(
      'refused',
      [
        'def try_(f):',
        '  try: f(); return "nothing"',
        '  except Exception as error: return type(error).__name__',
        'print(json.dumps([',
        attempt('nothing'),
        attempt('lora-summarise', '"nothing.json"'),
        attempt('lora-summarise', '"README.md", revision="v9"'),
        attempt('sample-llama'),
        attempt('sample-llama', '"config.json", token="hf_stranger"'),
        ']))',
      ],
      { HF_ENDPOINT: gated.endpoint },
    );

    expect(raised).toEqual([
      'RepositoryNotFoundError',
      'RemoteEntryNotFoundError',
      'RevisionNotFoundError',
      'GatedRepoError',
      'GatedRepoError',
    ]);
  });

  it('reaches gated files with a token that never leaves the hub', async () => {
    await using gated = await startLoopbackHub({
      root,
      tokens: { hf_friend: ['sample/sample-llama'] },
      gated: ['sample/sample-llama'],
    });
    const environment = { HF_ENDPOINT: gated.endpoint, HF_TOKEN: 'hf_friend' };

    const folder = await ask(
      'gated',
      ['print(json.dumps(hub.snapshot_download("sample/sample-llama")))'],
      environment,
    );

    expect(await digests(String(folder))).toEqual(await digests(join(root, 'sample-llama')));
  });

  it('finds what our client fetched, without any network', async () => {
    const cacheFolder = join(place, 'ours');
    const listing = await resolveRevision(
      { endpoint: hub.endpoint, repo: 'sample/sample-llama', revision: 'main' },
      scope,
    );
    const files = selectFiles(listing.files);
    const { folder } = await fetchSnapshot(
      {
        endpoint: hub.endpoint,
        repo: listing.repo,
        commit: listing.commit,
        revision: 'main',
        files,
        cacheFolder,
      },
      scope,
    );

    const offline = { HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:9' };
    const found = await ask(
      'ours',
      [
        'cache = hub.scan_cache_dir()',
        'repo = next(iter(cache.repos))',
        'print(json.dumps({"folder": hub.snapshot_download("sample/sample-llama"),',
        '  "file": hub.hf_hub_download("sample/sample-llama", "config.json"),',
        `  "commit": hub.hf_hub_download("sample/sample-llama", "tokenizer.json", revision="${listing.commit}"),`,
        '  "warnings": [str(w) for w in cache.warnings], "refs": sorted(repo.refs), "files": repo.nb_files}))',
      ],
      offline,
    );

    expect(found).toEqual({
      folder,
      file: join(folder, 'config.json'),
      commit: join(folder, 'tokenizer.json'),
      warnings: [],
      refs: ['main'],
      files: files.length,
    });
  });

  it('and our client take over each other’s blobs', async () => {
    await ask('shared', ['print(json.dumps(hub.snapshot_download("sample/lora-vocab")))']);
    const listing = await resolveRevision(
      { endpoint: hub.endpoint, repo: 'sample/lora-vocab', revision: 'main' },
      scope,
    );
    const { commit, files } = listing;

    // Nobody listens there: every byte has to come from Python's cache.
    const cacheFolder = join(place, 'shared');
    const patience = { attempts: 1 };
    const { folder } = await fetchSnapshot(
      { endpoint: 'http://127.0.0.1:9', repo: listing.repo, commit, files, cacheFolder, patience },
      scope,
    );

    expect(await digests(folder)).toEqual(await digests(join(root, 'lora-vocab')));
  });
});

it('reads patterns as Python’s fnmatch does', async () => {
  const letters = string({
    unit: constantFrom('a', 'b', 'c', '-', '*', '?', '[', ']', '!', '^', '.', '/'),
    maxLength: 8,
  });
  const pairs = sample(tuple(letters, letters), { numRuns: 3_000, seed: 7 });

  const program =
    'import json, sys, fnmatch; print(json.dumps([fnmatch.fnmatchcase(p, q + "*" if q.endswith("/") else q) for p, q in json.load(sys.stdin)]))';
  const running = run('python3', ['-c', program]);
  running.child.stdin?.end(JSON.stringify(pairs));
  const expected: unknown = JSON.parse((await running).stdout);

  expect(pairs.map(([path, pattern]) => matchesAny(path, [pattern]))).toEqual(expected);
});

/** A virtual environment under `.cache`, made once; undefined, with the reason on stderr, when pip cannot reach a registry. */
async function installPython(): Promise<string | undefined> {
  const environment = join(project, '.cache', 'hub-clients');
  const interpreter = join(environment, 'bin', 'python');
  const version = 'huggingface_hub==2.4.0';
  try {
    await access(join(environment, 'complete'));
    return interpreter;
  } catch {
    // Made below.
  }
  try {
    await mkdir(join(project, '.cache'), { recursive: true });
    await run('python3', ['-m', 'venv', '--clear', environment], { timeout: 60_000 });
    await run(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', version], {
      timeout: 180_000,
    });
    await run('touch', [join(environment, 'complete')]);
    return interpreter;
  } catch (error) {
    const reason = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    process.stderr.write(
      `\nSKIPPED: Python's huggingface_hub against the loopback hub. ${version} cannot be installed:\n${reason}\n`,
    );
    return undefined;
  }
}

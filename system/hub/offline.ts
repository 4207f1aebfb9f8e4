import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { isDigest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { cacheLayout } from './cache-layout.ts';
import { contentHash, hashFileInto } from './content-digest.ts';
import type { Snapshot } from './fetch-snapshot.ts';
import {
  blobName,
  type HubFile,
  type HubListing,
  isCommit,
  isInnerPath,
  isRepositoryName,
} from './hub-file.ts';

/** A repository in the cache that Hugging Face tools share. */
export interface CachedRepository {
  readonly cacheFolder: string;
  readonly repo: string;
}

/**
 * What the cache knows of a revision, without asking the hub: the commit its ref names and the files of the snapshot there.
 * A snapshot may be part of a repository; who fetched it chose its files. Throws OfflineMissing.
 */
export async function readCachedRevision(
  { cacheFolder, repo }: CachedRepository,
  revision: string,
): Promise<HubListing> {
  if (!isRepositoryName(repo) || !isInnerPath(revision)) throw missing(repo, `revision ${revision}`);
  const named = cacheLayout(cacheFolder, repo, '').ref(revision);
  const commit = isCommit(revision) ? revision : (await readFile(named, 'utf8').catch(() => '')).trim();
  if (!isCommit(commit)) throw missing(repo, `revision ${revision}`);
  const { snapshot } = cacheLayout(cacheFolder, repo, commit);
  const found = await readdir(snapshot, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = found
    .filter((entry) => entry.isSymbolicLink() || entry.isFile())
    .map((entry) => relative(snapshot, join(entry.parentPath, entry.name)))
    .sort();
  const files = await Promise.all(paths.map((path) => readCachedFile(snapshot, path)));
  const known = files.filter((file) => file !== null);
  if (known.length === 0) throw missing(repo, `commit ${commit.slice(0, 12)}`);
  return { repo, commit, files: known };
}

/** Its link names the digest; a file that is no link (Windows, some copies) tells nothing that could be verified. */
async function readCachedFile(snapshot: string, path: string): Promise<HubFile | null> {
  const full = join(snapshot, path);
  const name = basename(await readlink(full).catch(() => ''));
  const found = await stat(full).catch(() => null);
  if (found === null) return null;
  if (isDigest(name)) return { path, bytes: found.size, oid: '', sha256: name };
  return isCommit(name) ? { path, bytes: found.size, oid: name } : null;
}

/** Finds files of a commit in the cache and verifies every one against its digest. Throws OfflineMissing, DownloadCorrupt. */
export async function verifyCachedSnapshot(
  { cacheFolder, repo }: CachedRepository,
  { commit, files }: Pick<HubListing, 'commit' | 'files'>,
  scope: EffectScope,
): Promise<Snapshot> {
  const layout = cacheLayout(cacheFolder, repo, commit);
  for (const [index, file] of files.entries()) {
    scope.onProgress({ fraction: index / files.length, note: file.path });
    const path = join(layout.snapshot, file.path);
    const found = await stat(path).catch(() => null);
    if (found === null || !isInnerPath(file.path)) throw missing(repo, file.path);
    const hash = contentHash(file);
    await hashFileInto(hash, path, { signal: scope.signal, onBytes: () => undefined });
    if (hash.digest('hex') === blobName(file)) continue;
    throw new BuildFailure('DownloadCorrupt', `${repo}/${file.path} in the cache has another digest`, {
      hint: 'Unset HF_HUB_OFFLINE and run again: the file is then fetched anew.',
      details: { path, expected: blobName(file) },
    });
  }
  return { folder: layout.snapshot, files };
}

function missing(repo: string, what: string): BuildFailure {
  return new BuildFailure(
    'OfflineMissing',
    `${what} of ${repo} is not in the cache, and the hub is not asked`,
  );
}

import { mkdir, stat } from 'node:fs/promises';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { asStoreFailure } from '../files/atomic-write.ts';
import { type CacheLayout, cacheLayout, linkIntoSnapshot, tagCacheFolder, writeRef } from './cache-layout.ts';
import { eachOf } from './each-of.ts';
import { fetchFile } from './fetch-file.ts';
import { checkRoom, type Disks, hostDisks } from './check-room.ts';
import { connectToHub } from './hub-connection.ts';
import { type HubFile, blobName, isCommit, isInnerPath, isRepositoryName } from './hub-file.ts';
import { type Patience, defaultPatience } from './patience.ts';
import { gainedBefore } from './segment-journal.ts';

export interface SnapshotFetch {
  readonly endpoint: string;
  readonly repo: string;
  /** 40 hex digits, from resolveRevision: a branch would move between two files. */
  readonly commit: string;
  /** When given, the cache remembers that this branch or tag meant the commit. */
  readonly revision?: string;
  readonly files: readonly HubFile[];
  readonly cacheFolder: string;
  readonly token?: string;
  readonly patience?: Partial<Patience>;
  /** Files at a time; 3 by default. */
  readonly parallel?: number;
  /** Parts of a large file that are fetched in streams of their own, and how many at once. */
  readonly segmentBytes?: number;
  readonly streams?: number;
  /** An existing folder that will take a copy of all files; its room is counted as well. */
  readonly copyTo?: string;
  /** The host's by default. */
  readonly disks?: Disks;
}

export interface Snapshot {
  /** `…/snapshots/<commit>`: the files under their own names. */
  readonly folder: string;
  readonly files: readonly HubFile[];
}

/**
 * Fetches files of a commit into the shared Hugging Face cache. Every blob is verified against the digest the hub
 * listed before it gets its name; what an earlier attempt left is resumed. Throws SnapshotEmpty, DiskFull,
 * DownloadTruncated, DownloadCorrupt, HubUnreachable, AccessDenied, RepositoryMissing or RevisionMissing; rethrows
 * the signal's reason when aborted. The first failure stops the other files.
 */
export async function fetchSnapshot(fetch: SnapshotFetch, scope: EffectScope): Promise<Snapshot> {
  const { repo, commit, revision, files, segmentBytes = 64 << 20, streams = 4 } = fetch;
  checkNames(fetch);
  const layout = cacheLayout(fetch.cacheFolder, repo, commit);
  await mkdir(layout.blobs, { recursive: true }).catch((error: unknown) => {
    throw asStoreFailure(error, layout.blobs);
  });
  await tagCacheFolder(layout.cacheFolder);
  await checkRoomFor(layout, fetch);
  await using connection = connectToHub(fetch, { ...defaultPatience, ...fetch.patience });
  const stop = new AbortController();
  const signal = AbortSignal.any([scope.signal, stop.signal]);
  const onBytes = reportBytes(files, scope);
  await eachOf(files, { parallel: fetch.parallel ?? 3, stop, signal }, async (file) => {
    await fetchFile(file, { connection, layout, repo, commit, signal, onBytes, segmentBytes, streams });
    await linkIntoSnapshot(layout, file);
  });
  if (revision !== undefined) await writeRef(layout, revision, commit);
  scope.onProgress({ fraction: 1, note: `${files.length} files` });
  return { folder: layout.snapshot, files };
}

/** A listing is foreign text and becomes paths: nothing may lead out of the cache. */
function checkNames({ repo, commit, revision, files }: SnapshotFetch): void {
  if (!isRepositoryName(repo))
    throw new BuildFailure('RepositoryMissing', `${JSON.stringify(repo)} is no repository name`);
  if (!isCommit(commit))
    throw new BuildFailure('RevisionMissing', `${JSON.stringify(commit)} is no full commit`);
  if (revision !== undefined && !isInnerPath(revision)) {
    throw new BuildFailure('RevisionMissing', `${JSON.stringify(revision)} is no revision name`);
  }
  if (files.length === 0) throw new BuildFailure('SnapshotEmpty', `no file of ${repo} was selected`);
  const bad = files.find(
    (file) => !isInnerPath(file.path) || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(blobName(file)),
  );
  if (bad !== undefined)
    throw new BuildFailure(
      'DownloadCorrupt',
      `${repo} lists a file that cannot be stored: ${JSON.stringify(bad.path)}`,
    );
}

async function checkRoomFor(
  layout: CacheLayout,
  { repo, files, copyTo, disks = hostDisks }: SnapshotFetch,
): Promise<void> {
  const distinct = [...new Map(files.map((file) => [blobName(file), file])).values()];
  const missing = await Promise.all(distinct.map((file) => missingBytes(layout, file)));
  const needs = [{ folder: layout.blobs, bytes: missing.reduce((sum, bytes) => sum + bytes, 0) }];
  if (copyTo !== undefined && !(await disks.canClone(layout.blobs, copyTo)))
    needs.push({ folder: copyTo, bytes: countBytes(files) });
  await checkRoom(repo, needs, disks);
}

function countBytes(files: readonly HubFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function missingBytes(layout: CacheLayout, file: HubFile): Promise<number> {
  const size = (path: string): Promise<number> =>
    stat(path).then(
      (found) => found.size,
      () => 0,
    );
  if ((await size(layout.blob(file))) === file.bytes) return 0;
  const [stream, segments] = await Promise.all([
    size(layout.partial(file)),
    gainedBefore(layout.segments(file), file.bytes),
  ]);
  return Math.max(0, file.bytes - Math.max(stream, segments));
}

/** At most ten reports a second: a chunk arrives every few microseconds on a loopback. */
const reportEveryMs = 100;

function reportBytes(files: readonly HubFile[], scope: EffectScope): (path: string, count: number) => void {
  const total = countBytes(files);
  let done = 0;
  let reportedAt = 0;
  return (path, count) => {
    done += count;
    const now = Date.now();
    if (now - reportedAt < reportEveryMs) return;
    reportedAt = now;
    scope.onProgress({
      fraction: total === 0 ? 1 : done / total,
      note: `${path}: ${done} of ${total} bytes`,
    });
  };
}

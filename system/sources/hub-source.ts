import { constants, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HubSource } from '../../core/domain/plan.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { Digest } from '../../core/domain/artifact.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { checkRoom, type Disks, hostDisks } from '../hub/check-room.ts';
import { fetchSnapshot, type Snapshot } from '../hub/fetch-snapshot.ts';
import type { HubFile } from '../hub/hub-file.ts';
import { readCachedRevision, verifyCachedSnapshot } from '../hub/offline.ts';
import { resolveRevision } from '../hub/resolve-revision.ts';
import { usableFiles } from './usable-files.ts';
import type { ListedFile, Listing, ModelSource } from './contract.ts';
import { weightsFormat } from './weights-format.ts';

export interface HubAccess {
  readonly endpoint: string;
  /** Shared with Python's huggingface_hub. */
  readonly cacheFolder: string;
  readonly token?: string;
  /** Only the cache may be used. */
  readonly offline?: boolean;
  /** The host's by default. */
  readonly disks?: Disks;
}

/** Temporal repeats the whole step, durably and in sight of the user: few attempts here. */
const patience = { attempts: 2, backoffMs: 500, longestWaitMs: 60_000 };

/** A repository of the Hugging Face Hub, or of a mirror that speaks its protocol. */
export function createHubSource(
  { repository: repo, revision, files: choice }: HubSource,
  access: () => Promise<HubAccess>,
): ModelSource {
  const listed = new Map<string, readonly HubFile[]>();

  async function ask(wanted: string, scope: Parameters<ModelSource['list']>[1]): Promise<string> {
    const hub = await access();
    const listing =
      hub.offline === true
        ? await readCachedRevision({ cacheFolder: hub.cacheFolder, repo }, wanted)
        : await resolveRevision({ ...hub, patience, repo, revision: wanted }, scope);
    listed.set(listing.commit, listing.files);
    return listing.commit;
  }

  return {
    resolve: (scope) => ask(revision, scope),
    async list(commit, scope): Promise<Listing> {
      if (!listed.has(commit)) await ask(commit, scope);
      const selected = usableFiles(listed.get(commit) ?? [], choice);
      if (weightsFormat(selected) !== null) return { from: repo, commit, files: selected.map(toListed) };
      const at = commit.slice(0, 12);
      throw new BuildFailure('SnapshotEmpty', `${repo} holds no weights as safetensors or bin at ${at}`);
    },
    async fetch(listing, out, scope) {
      const wanted = listing.files.map(({ path, bytes, oid, sha256 }): HubFile => ({
        path,
        bytes,
        oid: oid ?? '',
        ...(sha256 === null ? {} : { sha256: sha256 as Digest }),
      }));
      const hub = await access();
      const { commit } = listing;
      await mkdir(out, { recursive: true });
      const snapshot =
        hub.offline === true
          ? await takeFromCache({ ...hub, repo }, { commit, files: wanted, out }, scope)
          : await fetchSnapshot(
              { ...hub, patience, repo, revision, commit, files: wanted, copyTo: out },
              scope,
            );
      await copyOut(snapshot, out, scope.signal);
      return { format: weightsFormat(wanted), files: wanted.length, commit: listing.commit };
    },
  };
}

interface Wanted {
  readonly commit: string;
  readonly files: readonly HubFile[];
  readonly out: string;
}

async function takeFromCache(
  { cacheFolder, repo, disks = hostDisks }: HubAccess & { readonly repo: string },
  { commit, files, out }: Wanted,
  scope: EffectScope,
): Promise<Snapshot> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (!(await disks.canClone(cacheFolder, out))) await checkRoom(repo, [{ folder: out, bytes }], disks);
  return verifyCachedSnapshot({ cacheFolder, repo }, { commit, files }, scope);
}

function toListed({ path, bytes, oid, sha256 }: HubFile): ListedFile {
  return { path, bytes, oid, sha256: sha256 ?? null };
}

async function copyOut({ folder, files }: Snapshot, out: string, signal: AbortSignal): Promise<void> {
  for (const { path } of files) {
    signal.throwIfAborted();
    await mkdir(dirname(join(out, path)), { recursive: true });
    // A clone where the file system can; never a hard link: the cache belongs to other tools too.
    await copyFile(join(folder, path), join(out, path), constants.COPYFILE_FICLONE);
  }
}

import { constants, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HubSource } from '../../core/domain/plan.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { Digest } from '../../core/domain/artifact.ts';
import { fetchSnapshot } from '../hub/fetch-snapshot.ts';
import type { HubFile } from '../hub/hub-file.ts';
import { resolveRevision } from '../hub/resolve-revision.ts';
import { usableFiles } from './usable-files.ts';
import type { Listing, ModelSource } from './contract.ts';
import { weightsFormat } from './weights-format.ts';

export interface HubAccess {
  readonly endpoint: string;
  /** Shared with Python's huggingface_hub. */
  readonly cacheFolder: string;
  readonly token?: string;
}

/** Temporal repeats the whole step, durably and in sight of the user: few attempts here. */
const patience = { attempts: 2, backoffMs: 500, longestWaitMs: 60_000 };

/** A repository of the Hugging Face Hub, or of a mirror that speaks its protocol. */
export function createHubSource(
  { repository: repo, revision }: HubSource,
  access: () => Promise<HubAccess>,
): ModelSource {
  const listed = new Map<string, readonly HubFile[]>();

  async function files(wanted: string, scope: Parameters<ModelSource['list']>[1]): Promise<string> {
    const listing = await resolveRevision({ ...(await access()), patience, repo, revision: wanted }, scope);
    listed.set(listing.commit, listing.files);
    return listing.commit;
  }

  return {
    resolve: (scope) => files(revision, scope),
    async list(commit, scope): Promise<Listing> {
      if (!listed.has(commit)) await files(commit, scope);
      const selected = usableFiles(listed.get(commit) ?? []);
      if (weightsFormat(selected) === null) {
        throw new BuildFailure(
          'SnapshotEmpty',
          `${repo} holds no weights as safetensors or bin at ${commit.slice(0, 12)}`,
        );
      }
      return {
        from: repo,
        commit,
        files: selected.map(({ path, bytes, oid, sha256 }) => ({ path, bytes, oid, sha256: sha256 ?? null })),
      };
    },
    async fetch(listing, out, scope) {
      const wanted = listing.files.map(({ path, bytes, oid, sha256 }): HubFile => ({
        path,
        bytes,
        oid: oid ?? '',
        ...(sha256 === null ? {} : { sha256: sha256 as Digest }),
      }));
      const snapshot = await fetchSnapshot(
        { ...(await access()), patience, repo, revision, commit: listing.commit, files: wanted },
        scope,
      );
      for (const { path } of wanted) {
        scope.signal.throwIfAborted();
        await mkdir(dirname(join(out, path)), { recursive: true });
        // A clone where the file system can; never a hard link: the cache belongs to other tools too.
        await copyFile(join(snapshot.folder, path), join(out, path), constants.COPYFILE_FICLONE);
      }
      return { format: weightsFormat(wanted), files: wanted.length, commit: listing.commit };
    },
  };
}

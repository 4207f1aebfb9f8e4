import { constants, copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { canonicalJson } from '../../core/domain/json.ts';
import type { FolderSource } from '../../core/domain/plan.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { errorCode } from '../files/atomic-write.ts';
import { unreadable } from '../files/unreadable.ts';
import { sha256OfFile, sha256OfText } from '../files/hash-file.ts';
import { usableFiles } from './usable-files.ts';
import type { ListedFile, Listing, ModelSource } from './contract.ts';
import { weightsFormat } from './weights-format.ts';

/** A folder in Hugging Face layout. Its commit is a digest over its files, so changing a byte is a new commit. */
export function createFolderSource({ path: root, files: choice }: FolderSource): ModelSource {
  async function list(scope: EffectScope): Promise<Listing> {
    const selected = usableFiles(await findFiles(root), choice);
    if (weightsFormat(selected) === null)
      throw new BuildFailure('SnapshotEmpty', `${root} holds no weights as safetensors or bin`);
    const files: ListedFile[] = [];
    for (const { path, bytes } of selected) {
      files.push({ path, bytes, oid: null, sha256: await sha256OfFile(join(root, path), scope.signal) });
      scope.onProgress({ fraction: files.length / selected.length, note: path });
    }
    return { from: 'folder', commit: sha256OfText(canonicalJson(files)).slice(0, 40), files };
  }

  return {
    resolve: async (scope) => (await list(scope)).commit,
    list: (_commit, scope) => list(scope),
    async fetch(listing, out, scope) {
      for (const { path, sha256 } of listing.files) {
        scope.signal.throwIfAborted();
        await mkdir(dirname(join(out, path)), { recursive: true });
        await copyFile(join(root, path), join(out, path), constants.COPYFILE_FICLONE).catch(
          (error: unknown) => {
            if (errorCode(error) !== 'ENOENT') throw error;
            throw new BuildFailure('DownloadCorrupt', `${path} was removed before it was copied`, {
              cause: error,
            });
          },
        );
        if ((await sha256OfFile(join(out, path), scope.signal)) !== sha256) {
          throw new BuildFailure('DownloadCorrupt', `${path} changed while it was copied`);
        }
      }
      return { format: weightsFormat(listing.files), files: listing.files.length, commit: listing.commit };
    },
  };
}

async function findFiles(root: string): Promise<{ path: string; bytes: number; oid: string }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw unreadable('RepositoryMissing', `the folder ${root}`, error);
  });
  // Links too: caches of the hub lay a snapshot out as links to its files.
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const found = await Promise.all(
    paths.sort().map(async (path) => ({ path, status: await stat(join(root, path)).catch(() => null) })),
  );
  return found.flatMap(({ path, status }) =>
    status?.isFile() === true ? [{ path, bytes: status.size, oid: '' }] : [],
  );
}

import type { Json, JsonObject } from '../../core/domain/json.ts';
import { entryNotFound } from './hub-refusal.ts';
import type { PublishedFile, PublishedFolder, PublishedRepository } from './published-repository.ts';

/** The hub's JSON documents about a repository (https://huggingface.co/docs/hub/api). Pure. */

/** `GET /api/models/{repo}[/revision/{rev}]`. With `expand`, the id and the named fields only. */
export function modelDocument(
  repository: PublishedRepository,
  asked: { readonly isGated: boolean; readonly withBlobs: boolean; readonly expand: readonly string[] },
): JsonObject {
  const all: JsonObject = {
    _id: repository.commit.slice(0, 24),
    id: repository.name,
    modelId: repository.name,
    author: repository.name.split('/')[0] ?? '',
    sha: repository.commit,
    lastModified: repository.changedAt.toISOString(),
    createdAt: repository.changedAt.toISOString(),
    private: false,
    gated: asked.isGated ? 'manual' : false,
    disabled: false,
    downloads: 0,
    likes: 0,
    tags: [],
    siblings: [...repository.files.values()].map((file) => sibling(file, asked.withBlobs)),
    usedStorage: [...repository.files.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
  if (asked.expand.length === 0) return all;
  const named = Object.entries(all).filter(
    ([key]) => key === '_id' || key === 'id' || asked.expand.includes(key),
  );
  return Object.fromEntries(named);
}

function sibling({ path, bytes, oid, large }: PublishedFile, withBlobs: boolean): Json {
  if (!withBlobs) return { rfilename: path };
  const lfs =
    large === undefined
      ? {}
      : { lfs: { sha256: large.sha256, size: bytes, pointerSize: large.pointerBytes } };
  return { rfilename: path, size: bytes, blobId: oid, ...lfs };
}

/** `GET /api/models/{repo}/tree/{rev}[/folder]`: folders first, then files. Throws EntryNotFound. */
export function treeEntries(
  repository: PublishedRepository,
  asked: { readonly folder: string; readonly isRecursive: boolean; readonly withCommit: boolean },
): readonly Json[] {
  const { folder, isRecursive } = asked;
  if (folder !== '' && !repository.folders.has(folder)) throw entryNotFound(folder, repository.commit);
  const prefix = folder === '' ? '' : `${folder}/`;
  const isListed = ({ path }: { readonly path: string }): boolean =>
    path.startsWith(prefix) && (isRecursive || !path.slice(prefix.length).includes('/'));
  const entries = [...repository.folders.values(), ...repository.files.values()].filter(isListed);
  return entries.map((entry) => pathEntry(repository, entry, asked.withCommit));
}

/** `POST /api/models/{repo}/paths-info/{rev}`: the named paths; unknown ones are left out. */
export function pathEntries(
  repository: PublishedRepository,
  asked: { readonly paths: readonly string[]; readonly withCommit: boolean },
): readonly Json[] {
  return asked.paths.flatMap((path) => {
    const found = repository.files.get(path) ?? repository.folders.get(path);
    return found === undefined ? [] : [pathEntry(repository, found, asked.withCommit)];
  });
}

function pathEntry(
  repository: PublishedRepository,
  entry: PublishedFile | PublishedFolder,
  withCommit: boolean,
): Json {
  const date = repository.changedAt.toISOString();
  const lastCommit = withCommit
    ? { lastCommit: { id: repository.commit, title: 'Content of the folder', date } }
    : {};
  if (!('bytes' in entry))
    return { type: 'directory', oid: entry.oid, size: 0, path: entry.path, ...lastCommit };
  const { path, bytes, oid, large } = entry;
  const scan = { status: 'unscanned', avScan: null, pickleImportScan: null };
  return {
    type: 'file',
    oid,
    size: bytes,
    ...(large === undefined
      ? {}
      : { lfs: { oid: large.sha256, size: bytes, pointerSize: large.pointerBytes } }),
    path,
    ...lastCommit,
    ...(withCommit ? { securityFileStatus: scan } : {}),
  };
}

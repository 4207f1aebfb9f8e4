import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gitBlobHash } from '../hub/content-digest.ts';
import { commitId, gitObjectId, largeFilePointer, treeId } from './git-objects.ts';

export interface PublishedFile {
  readonly path: string;
  readonly absolute: string;
  readonly bytes: number;
  /** git blob id; of the pointer when the file is large. */
  readonly oid: string;
  /** Present when the file lies in large-file storage, which is the second host. */
  readonly large?: { readonly sha256: string; readonly pointerBytes: number };
}

export interface PublishedFolder {
  readonly path: string;
  /** git tree id. */
  readonly oid: string;
}

/** A folder's content at one moment, named by a commit. */
export interface PublishedRepository {
  /** `namespace/name`. */
  readonly name: string;
  readonly commit: string;
  /** By path, in the order of the paths. Requests are answered from here only: no path of a request reaches the disk. */
  readonly files: ReadonlyMap<string, PublishedFile>;
  readonly folders: ReadonlyMap<string, PublishedFolder>;
  readonly changedAt: Date;
}

/** Digests by path; an entry holds only while the file's stamp (inode, size, both times in ns) is the same. */
export type HashMemory = Map<string, { readonly stamp: string; readonly file: PublishedFile }>;

const largeFrom = 1 << 20;

/**
 * Reads a folder as a repository. Links and names beginning with a dot are not published. Files over 1 MiB and
 * weights (`*.safetensors`, `*.bin`) count as large. Unchanged files are not read again.
 */
export async function readRepository(
  folder: string,
  name: string,
  memory: HashMemory,
): Promise<PublishedRepository> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .sort();
  let changedMs = 0;
  const files = new Map<string, PublishedFile>();
  for (const path of paths) {
    const found = await stat(join(folder, path), { bigint: true });
    changedMs = Math.max(changedMs, Number(found.mtimeMs));
    const stamp = [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':');
    const known = memory.get(join(folder, path));
    const file =
      known?.stamp === stamp ? known.file : await readPublishedFile(folder, path, Number(found.size));
    memory.set(join(folder, path), { stamp, file });
    files.set(path, file);
  }
  const folders = new Map<string, PublishedFolder>();
  const root = addTree('', [...files.values()], folders);
  return { name, commit: commitId(root), files, folders, changedAt: new Date(changedMs) };
}

async function readPublishedFile(folder: string, path: string, bytes: number): Promise<PublishedFile> {
  const absolute = join(folder, path);
  const isLarge = bytes > largeFrom || /\.(safetensors|bin)$/.test(path);
  const hash = isLarge ? createHash('sha256') : gitBlobHash(bytes);
  for await (const chunk of createReadStream(absolute, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Uint8Array);
  const digest = hash.digest('hex');
  if (!isLarge) return { path, absolute, bytes, oid: digest };
  const pointer = largeFilePointer(digest, bytes);
  const large = { sha256: digest, pointerBytes: pointer.length };
  return { path, absolute, bytes, oid: gitObjectId('blob', pointer), large };
}

/** Adds the folders below `prefix` ('' or `a/b/`) to `folders`; returns the tree id of `prefix` itself. */
function addTree(
  prefix: string,
  files: readonly PublishedFile[],
  folders: Map<string, PublishedFolder>,
): string {
  const direct = files.filter(({ path }) => !path.slice(prefix.length).includes('/'));
  const below = groupByFolder(files, prefix);
  const trees = [...below].map(([name, inside]) => {
    const oid = addTree(`${prefix}${name}/`, inside, folders);
    folders.set(`${prefix}${name}`, { path: `${prefix}${name}`, oid });
    return { name, kind: 'tree' as const, oid };
  });
  const blobs = direct.map(({ path, oid }) => ({
    name: path.slice(prefix.length),
    kind: 'blob' as const,
    oid,
  }));
  return treeId([...trees, ...blobs]);
}

function groupByFolder(files: readonly PublishedFile[], prefix: string): Map<string, PublishedFile[]> {
  const groups = new Map<string, PublishedFile[]>();
  for (const file of files) {
    const rest = file.path.slice(prefix.length);
    const slash = rest.indexOf('/');
    if (slash < 0) continue;
    const name = rest.slice(0, slash);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}

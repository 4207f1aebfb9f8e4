import { randomUUID } from 'node:crypto';
import { mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { asStoreFailure, writeAtomically } from '../files/atomic-write.ts';
import { type HubFile, blobName } from './hub-file.ts';

/**
 * Paths of one repository in the cache that all Hugging Face tools share (huggingface_hub, "Understand caching"):
 * `models--<org>--<name>/blobs/<etag>`, `snapshots/<commit>/<path>` as relative symlinks to blobs, and
 * `refs/<revision>` with the commit as text.
 */
export interface CacheLayout {
  readonly cacheFolder: string;
  readonly blobs: string;
  readonly snapshot: string;
  blob(file: HubFile): string;
  /**
   * Where a download grows. The name is ours alone: huggingface_hub never resumes its own `<etag>.<8 hex>.incomplete`
   * and may be writing one right now.
   */
  partial(file: HubFile): string;
  /** Where one grows in several streams at once; its journal lies beside it with `.json` added. */
  segments(file: HubFile): string;
  lease(file: HubFile): string;
  ref(revision: string): string;
}

export function cacheLayout(cacheFolder: string, repo: string, commit: string): CacheLayout {
  const name = `models--${repo.replaceAll('/', '--')}`;
  const blobs = join(cacheFolder, name, 'blobs');
  return {
    cacheFolder,
    blobs,
    snapshot: join(cacheFolder, name, 'snapshots', commit),
    blob: (file) => join(blobs, blobName(file)),
    partial: (file) => join(blobs, `${blobName(file)}.resumable.incomplete`),
    segments: (file) => join(blobs, `${blobName(file)}.segments.incomplete`),
    // Beside Python's `<etag>.lock`, which is an empty file held by flock(2) and never removed.
    lease: (file) => join(cacheFolder, '.locks', name, `${blobName(file)}.lease`),
    ref: (revision) => join(cacheFolder, name, 'refs', revision),
  };
}

/** Lets backup programs skip the folder (Cache Directory Tagging Standard, https://bford.info/cachedir/). */
export async function tagCacheFolder(cacheFolder: string): Promise<void> {
  const text = 'Signature: 8a477f597d28d172789f06886806bc55\n# Downloaded models; can be fetched again.\n';
  await writeFile(join(cacheFolder, 'CACHEDIR.TAG'), text, { flag: 'wx' }).catch(() => undefined);
}

/** Gives a verified blob its name in the snapshot. An existing right link is left alone. */
export async function linkIntoSnapshot(layout: CacheLayout, file: HubFile): Promise<void> {
  const path = join(layout.snapshot, file.path);
  const target = relative(dirname(path), layout.blob(file));
  if ((await readlink(path).catch(() => null)) === target) return;
  const aside = join(layout.blobs, `${randomUUID()}.link`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, aside);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw asStoreFailure(error, path);
  }
}

/** Written last, once every file is there, so that an offline reader never finds half a snapshot by its name. */
export async function writeRef(layout: CacheLayout, revision: string, commit: string): Promise<void> {
  if (revision !== commit) await writeAtomically(layout.ref(revision), commit);
}

import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  isDigest,
  type ArtifactKind,
  type ArtifactRef,
  type Digest,
  type Manifest,
} from '../../core/domain/artifact.ts';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import { exists } from '../files/read-write.ts';
import { asStoreFailure, errorCode, syncFile, syncFolder, writeAtomically } from '../files/atomic-write.ts';
import type { ArtifactStore, KeyEntry, Lease, PublishRequest, Scratch } from './contract.ts';
import { takeLease } from './lease.ts';
import { digestOf, listFiles, manifestName, parseKeyEntry, parseManifest } from './manifest.ts';
import { createScratch } from './scratch.ts';

/**
 * A store in a folder, which may be on a shared file system:
 * `objects/<digest>/` the artifacts, `keys/<key>.json` what a step made, `leases/` who builds what,
 * `scratch/` work in progress, `damaged/` what failed its verification.
 */
class FolderStore implements ArtifactStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async lookup<K extends ArtifactKind>(key: Digest, kind: K): Promise<KeyEntry<K> | null> {
    const text = await readFile(this.#at('keys', `${key}.json`), 'utf8').catch(() => null);
    if (text === null) return null;
    const entry = parseKeyEntry(text, kind);
    if (entry === null) return null;
    try {
      await this.verify(entry.artifact.digest);
      return entry;
    } catch (error) {
      if (!isBuildFailure(error)) throw error;
      if (error.name === 'StoreCorrupt') await this.#setAside(entry.artifact.digest);
      return null;
    }
  }

  async publish<K extends ArtifactKind>(request: PublishRequest<K>): Promise<ArtifactRef<K>> {
    const { kind, folder, facts, provenance, identity } = request;
    const files = await listFiles(folder);
    // The store's own file of that name would replace it, and the digest would not cover what is gone.
    if (await exists(join(folder, manifestName)))
      throw new BuildFailure(
        'InternalError',
        `a step wrote ${manifestName}, a name the store keeps for itself`,
      );
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const digest = digestOf(kind, files);
    const artifact: ArtifactRef<K> = { kind, digest, bytes, ...(identity === undefined ? {} : { identity }) };
    const manifest: Manifest<K> = { formatVersion: 1, kind, files, facts, provenance };
    try {
      await writeAtomically(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
      await seal(
        folder,
        files.map((file) => file.path),
      );
      await this.#moveIn(folder, digest);
      if (provenance !== null) await this.#writeKey({ artifact, facts, provenance });
    } catch (error) {
      throw asStoreFailure(error, this.#root);
    }
    return artifact;
  }

  async folderOf(artifact: ArtifactRef): Promise<string> {
    await this.manifestOf(artifact.digest);
    return this.#objectOf(artifact.digest);
  }

  async manifestOf(digest: Digest): Promise<Manifest> {
    const path = join(this.#objectOf(digest), manifestName);
    try {
      return parseManifest(await readFile(path, 'utf8'));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        throw new BuildFailure('StoreCorrupt', `the manifest of ${digest} cannot be read`, { cause: error });
      }
      throw new BuildFailure('ArtifactMissing', `the store has no artifact ${digest}`, { cause: error });
    }
  }

  async verify(digest: Digest): Promise<Manifest> {
    const manifest = await this.manifestOf(digest);
    const wrong = firstDifference(manifest, await listFiles(this.#objectOf(digest)));
    const name = `artifact ${digest.slice(0, 12)}`;
    if (wrong !== null) throw new BuildFailure('StoreCorrupt', `${name}: ${wrong}`);
    if (digestOf(manifest.kind, manifest.files) === digest) return manifest;
    throw new BuildFailure('StoreCorrupt', `${name}: its manifest was altered`);
  }

  createScratch(): Promise<Scratch> {
    return createScratch(this.#at('scratch'));
  }

  lease(key: Digest, signal: AbortSignal, onWait: () => void): Promise<Lease> {
    return takeLease(this.#at('leases', key), key, { signal, onWait });
  }

  async #moveIn(folder: string, digest: Digest): Promise<void> {
    await mkdir(this.#at('objects'), { recursive: true });
    try {
      await rename(folder, this.#objectOf(digest));
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
      await this.#keepOrReplace(folder, digest);
    }
    await syncFolder(this.#at('objects'));
  }

  /** Same content, made before: the old object stays if it is whole. */
  async #keepOrReplace(folder: string, digest: Digest): Promise<void> {
    const isWhole = await this.verify(digest).then(
      () => true,
      () => false,
    );
    if (isWhole) {
      await rm(folder, { recursive: true, force: true });
      return;
    }
    await this.#setAside(digest);
    await this.#moveIn(folder, digest);
  }

  async #writeKey(entry: KeyEntry): Promise<void> {
    const path = this.#at('keys', `${entry.provenance.key}.json`);
    await writeAtomically(path, `${JSON.stringify(entry, null, 2)}\n`);
  }

  async #setAside(digest: Digest): Promise<void> {
    await mkdir(this.#at('damaged'), { recursive: true });
    const aside = this.#at('damaged', `${digest}~${randomUUID()}`);
    await rename(this.#objectOf(digest), aside).catch((error: unknown) => {
      // Gone: someone else has just set it aside.
      if (errorCode(error) !== 'ENOENT') throw asStoreFailure(error, this.#root);
    });
  }

  #at(...parts: string[]): string {
    return join(this.#root, ...parts);
  }

  /** Digests arrive from users too; nothing else may become part of a path. */
  #objectOf(digest: Digest): string {
    if (isDigest(digest)) return this.#at('objects', digest);
    throw new BuildFailure('ArtifactMissing', `${String(digest)} is not an artifact's digest`);
  }
}

export function createFolderStore(root: string): ArtifactStore {
  return new FolderStore(root);
}

/** Files become read-only and durable before they get their name. */
async function seal(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of [...paths, manifestName]) {
    const absolute = join(folder, path);
    await syncFile(absolute);
    await chmod(absolute, 0o444);
  }
  for (const inner of new Set(paths.flatMap(foldersAbove))) await syncFolder(join(folder, inner));
}

/** `a/b/c` lies in `a/b`, `a` and `.`: a name is durable once every folder above it is. */
function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === '.' ? ['.'] : [above, ...foldersAbove(above)];
}

function firstDifference(manifest: Manifest, found: Manifest['files']): string | null {
  const byPath = new Map(found.map((file) => [file.path, file]));
  for (const file of manifest.files) {
    const actual = byPath.get(file.path);
    if (actual === undefined) return `${file.path} is missing`;
    if (actual.bytes !== file.bytes) return `${file.path} has ${actual.bytes} bytes instead of ${file.bytes}`;
    if (actual.sha256 !== file.sha256) return `${file.path} has another sha256`;
  }
  const extra = found.find((file) => !manifest.files.some(({ path }) => path === file.path));
  return extra === undefined ? null : `${extra.path} does not belong there`;
}

import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDigest, type ArtifactKind, type ArtifactRef, type Digest, type Manifest } from '../../core/domain/artifact.ts';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import { asStoreFailure, errorCode, syncFile, syncFolder, writeAtomically } from '../files/atomic-write.ts';
import type { ArtifactStore, KeyEntry, PublishRequest } from './contract.ts';
import { takeLease } from './lease.ts';
import { digestOf, listFiles, manifestName } from './manifest.ts';
import { createScratch } from './scratch.ts';

/**
 * A store in a folder, which may be on a shared file system:
 * `objects/<digest>/` the artifacts, `keys/<key>.json` what a step made, `leases/` who builds what,
 * `scratch/` work in progress, `damaged/` what failed its verification.
 */
export function createFolderStore(root: string): ArtifactStore {
  const at = (...parts: string[]): string => join(root, ...parts);
  const objectOf = (digest: Digest): string => at('objects', digest);

  async function manifestOf(digest: Digest): Promise<Manifest> {
    if (!isDigest(digest)) throw new BuildFailure('ArtifactMissing', `${String(digest)} is not an artifact's digest`);
    try {
      return JSON.parse(await readFile(join(objectOf(digest), manifestName), 'utf8')) as Manifest;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        throw new BuildFailure('StoreCorrupt', `the manifest of ${digest} cannot be read`, { cause: error });
      }
      throw new BuildFailure('ArtifactMissing', `the store has no artifact ${digest}`, { cause: error });
    }
  }

  async function verify(digest: Digest): Promise<Manifest> {
    const manifest = await manifestOf(digest);
    const found = await listFiles(objectOf(digest));
    const wrong = firstDifference(manifest, found);
    if (wrong !== null) throw new BuildFailure('StoreCorrupt', `artifact ${digest.slice(0, 12)}: ${wrong}`);
    if (digestOf(manifest.kind, manifest.files) !== digest) {
      throw new BuildFailure('StoreCorrupt', `artifact ${digest.slice(0, 12)}: its manifest was altered`);
    }
    return manifest;
  }

  async function setAside(digest: Digest): Promise<void> {
    await mkdir(at('damaged'), { recursive: true });
    await rename(objectOf(digest), at('damaged', `${digest}~${randomUUID()}`)).catch(() => undefined);
  }

  async function lookup<K extends ArtifactKind>(key: Digest, kind: K): Promise<KeyEntry<K> | null> {
    const text = await readFile(at('keys', `${key}.json`), 'utf8').catch(() => null);
    if (text === null) return null;
    const entry = JSON.parse(text) as KeyEntry<K>;
    if (entry.artifact.kind !== kind) return null;
    try {
      await verify(entry.artifact.digest);
      return entry;
    } catch (error) {
      if (!isBuildFailure(error)) throw error;
      if (error.name === 'StoreCorrupt') await setAside(entry.artifact.digest);
      return null;
    }
  }

  async function publish<K extends ArtifactKind>(request: PublishRequest<K>): Promise<ArtifactRef<K>> {
    const { kind, folder, facts, provenance } = request;
    const files = await listFiles(folder);
    const digest = digestOf(kind, files);
    const artifact: ArtifactRef<K> = { kind, digest, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
    const manifest: Manifest<K> = { formatVersion: 1, kind, files, facts, provenance };
    try {
      await writeAtomically(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
      await seal(folder, files.map((file) => file.path));
      await moveIn(folder, digest);
      if (provenance !== null) {
        const entry: KeyEntry<K> = { artifact, facts, provenance };
        await writeAtomically(at('keys', `${provenance.key}.json`), `${JSON.stringify(entry, null, 2)}\n`);
      }
    } catch (error) {
      throw asStoreFailure(error, root);
    }
    return artifact;
  }

  async function moveIn(folder: string, digest: Digest): Promise<void> {
    await mkdir(at('objects'), { recursive: true });
    try {
      await rename(folder, objectOf(digest));
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
      // Same content, made before: keep it if it is whole.
      const whole = await verify(digest).then(() => true, () => false);
      if (!whole) {
        await setAside(digest);
        await rename(folder, objectOf(digest));
      } else await rm(folder, { recursive: true, force: true });
    }
    await syncFolder(at('objects'));
  }

  return {
    lookup,
    publish,
    manifestOf,
    verify,
    async folderOf(artifact) {
      await manifestOf(artifact.digest);
      return objectOf(artifact.digest);
    },
    createScratch: () => createScratch(at('scratch')),
    async lease(key, signal, onWait) {
      return takeLease(at('leases', key), key, { signal, onWait });
    },
  };
}

/** Files become read-only and durable before they get their name. */
async function seal(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of [...paths, manifestName]) {
    const absolute = join(folder, path);
    await syncFile(absolute);
    await chmod(absolute, 0o444);
  }
  for (const inner of new Set(paths.map((path) => dirname(join(folder, path))))) await syncFolder(inner);
  await syncFolder(folder);
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

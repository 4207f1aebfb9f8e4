import type { ArtifactKind, ArtifactRef, Digest, Manifest, Provenance } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';

/** What `keys/<key>` says: the artifact a step made for this key, and how. */
export interface KeyEntry<K extends ArtifactKind = ArtifactKind> {
  readonly artifact: ArtifactRef<K>;
  readonly facts: JsonObject;
  readonly provenance: Provenance;
}

export interface PublishRequest<K extends ArtifactKind> {
  readonly kind: K;
  /** The folder that becomes the artifact: it is moved, so it must lie in the store's scratch space. */
  readonly folder: string;
  readonly facts: JsonObject;
  readonly provenance: Provenance | null;
  /** What weights are, whatever files hold them. */
  readonly identity?: Digest;
}

/** A private folder on the store's file system; gone when disposed. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
}

/** A promise that nobody else builds the same key while it is held. */
export interface Lease extends AsyncDisposable {
  readonly key: Digest;
  /** False once somebody else took it over, who may be at work on what it guards. */
  isHeld(): Promise<boolean>;
}

/** Immutable artifacts by content, and the keys that name them. Folder today, object storage behind the same type. */
export interface ArtifactStore {
  /** The entry of a key whose artifact is present and undamaged; a damaged one is set aside and counts as absent. */
  lookup<K extends ArtifactKind>(key: Digest, kind: K): Promise<KeyEntry<K> | null>;
  /** Makes a folder an artifact: written aside, fsynced, renamed. Without provenance no key points at it. */
  publish<K extends ArtifactKind>(request: PublishRequest<K>): Promise<ArtifactRef<K>>;
  /** Where the files of an artifact can be read. Throws ArtifactMissing. */
  folderOf(artifact: ArtifactRef): Promise<string>;
  manifestOf(digest: Digest): Promise<Manifest>;
  /** Re-reads every byte. Throws StoreCorrupt naming the first wrong file, ArtifactMissing. */
  verify(digest: Digest): Promise<Manifest>;
  createScratch(): Promise<Scratch>;
  /** Waits while another process builds the key; `onWait` is called now and then meanwhile. */
  lease(key: Digest, signal: AbortSignal, onWait: () => void): Promise<Lease>;
}

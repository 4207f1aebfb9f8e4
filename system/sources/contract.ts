import type { Json } from '../../core/domain/json.ts';
import type { EffectScope } from '../../core/domain/progress.ts';

/** `listing.json` of a listing artifact: the files of a source at one commit. */
export interface Listing {
  readonly from: string;
  /** The hub's commit, or a digest over the files of a folder. */
  readonly commit: string;
  readonly files: readonly ListedFile[];
}

export interface ListedFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** git blob id; null for a folder. */
  readonly oid: string | null;
  /** Of the content; on the hub only large files announce it. */
  readonly sha256: string | null;
}

/** Where models and adapters come from. */
export interface ModelSource {
  /** Revision → commit: the one question whose answer may change. */
  resolve(scope: EffectScope): Promise<string>;
  /** The files a recipe can use at a commit. Throws SnapshotEmpty. */
  list(commit: string, scope: EffectScope): Promise<Listing>;
  /** Puts the listed files into `out`, each verified. Returns facts for the manifest. */
  fetch(listing: Listing, out: string, scope: EffectScope): Promise<{ readonly [fact: string]: Json }>;
}

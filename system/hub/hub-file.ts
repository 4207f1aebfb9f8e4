import type { Digest } from '../../core/domain/artifact.ts';

/** One file of a repository at a commit, as the hub announces it. */
export interface HubFile {
  /** Relative, with `/`, never leaving the repository. */
  readonly path: string;
  readonly bytes: number;
  /** git blob id, 40 hex digits; of the pointer text when the content lies in large-file storage. */
  readonly oid: string;
  /** Content digest of files in large-file storage; the others are known by `oid` alone. */
  readonly sha256?: Digest;
}

/** A revision, fixed at one commit. */
export interface HubListing {
  readonly repo: string;
  /** 40 hex digits. */
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** Present when a licence must be accepted before the files can be read: how access is granted. */
  readonly gated?: string;
}

/** Name of the file's blob in the cache: the same string as the hub's (linked) ETag. */
export function blobName(file: HubFile): string {
  return file.sha256 ?? file.oid;
}

export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** `name` or `namespace/name` by the hub's naming rules: letters, digits, `-`, `_`, `.`; no `--`, no `..`. */
export function isRepositoryName(text: string): boolean {
  const part = String.raw`[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?`;
  return new RegExp(`^(?:${part}/)?${part}$`).test(text) && !text.includes('--') && !text.includes('..');
}

/** True when the text names something below a folder: no `..`, no empty part, nothing absolute, no NUL. */
export function isInnerPath(text: string): boolean {
  if (text === '' || /[\\\0]/.test(text)) return false;
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

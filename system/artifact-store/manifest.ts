import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  isDigest,
  type ArtifactKind,
  type Digest,
  type Manifest,
  type ManifestFile,
} from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { canonicalJson } from '../../core/domain/json.ts';
import { sha256OfFile, sha256OfText } from '../files/hash-file.ts';
import type { KeyEntry } from './contract.ts';

export const manifestName = 'manifest.json';

const digest = z.string().refine(isDigest);
const facts = z.record(z.string(), z.unknown());
const provenance = z.looseObject({ step: z.string(), key: digest });
const ManifestForm = z.looseObject({
  kind: z.string(),
  facts,
  provenance: provenance.nullable(),
  files: z.array(z.strictObject({ path: z.string(), bytes: z.number(), sha256: digest })),
});
const KeyForm = z.looseObject({
  artifact: z.strictObject({
    kind: z.string(),
    digest,
    bytes: z.number(),
    identity: digest.optional(),
  }),
  facts,
  provenance,
});

/** Throws when the text is no manifest: whatever damaged it, its form is not to be trusted. */
export function parseManifest(text: string): Manifest {
  const value: unknown = JSON.parse(text);
  ManifestForm.parse(value);
  return value as Manifest;
}

/** Null when the text is no entry. */
export function parseKeyEntry<K extends ArtifactKind>(text: string, kind: K): KeyEntry<K> | null {
  try {
    const value: unknown = JSON.parse(text);
    return KeyForm.parse(value).artifact.kind === kind ? (value as KeyEntry<K>) : null;
  } catch {
    return null;
  }
}

/** Every file under a folder, sorted by path, with size and sha256. Only plain files may be in an artifact. */
export async function listFiles(folder: string): Promise<ManifestFile[]> {
  const paths = (await walk(folder, '')).filter((path) => path !== manifestName).sort();
  const files: ManifestFile[] = [];
  for (const path of paths) {
    const absolute = join(folder, path);
    const { size } = await lstat(absolute);
    files.push({ path, bytes: size, sha256: await sha256OfFile(absolute) });
  }
  return files;
}

async function walk(root: string, under: string): Promise<string[]> {
  const entries = await readdir(join(root, under), { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = under === '' ? entry.name : `${under}/${entry.name}`;
      if (entry.isDirectory()) return walk(root, path);
      if (entry.isFile()) return [path];
      throw new BuildFailure('StoreCorrupt', `${path} in ${root} is neither a file nor a folder`);
    }),
  );
  return nested.flat();
}

/** sha256 over kind and files: equal content has one name, however and whenever it was made. */
export function digestOf(kind: ArtifactKind, files: readonly ManifestFile[]): Digest {
  return sha256OfText(canonicalJson({ kind, files }));
}

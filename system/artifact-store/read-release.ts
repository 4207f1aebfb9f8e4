import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isDigest, type ArtifactRef, type Digest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { ArtifactStore } from './contract.ts';

const digest = z.string().refine(isDigest);
const Release = z.looseObject({
  formatVersion: z.literal(1),
  recipe: z.string(),
  variant: z.string(),
  engine: z.object({ kind: z.literal('engine'), digest, bytes: z.number() }),
  report: z.object({ kind: z.literal('report'), digest, bytes: z.number() }),
});

export interface ReleaseCard {
  readonly recipe: string;
  readonly variant: string;
  readonly engine: ArtifactRef<'engine'>;
  readonly report: ArtifactRef<'report'>;
}

/** `release.json` of a release. Throws ArtifactMissing, or ReleaseMissing when the artifact is something else. */
export async function readRelease(store: ArtifactStore, release: Digest): Promise<ReleaseCard> {
  const folder = await store.folderOf({ kind: 'release', digest: release, bytes: 0 });
  const text = await readFile(join(folder, 'release.json'), 'utf8').catch(() => null);
  const parsed = text === null ? null : Release.safeParse(JSON.parse(text));
  if (parsed?.success === true) return parsed.data;
  throw new BuildFailure('ReleaseMissing', `${release.slice(0, 12)} is no release`);
}

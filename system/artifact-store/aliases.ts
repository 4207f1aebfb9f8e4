import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isDigest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { createAtomically } from '../files/atomic-write.ts';

/** One change of an alias. Entries are numbered from 1 and never rewritten: the folder is the audit log. */
const AliasEntry = z
  .object({
    alias: z.string(),
    sequence: z.int().min(1),
    release: z.string().refine(isDigest),
    run: z.string(),
    by: z.string(),
    reason: z.string(),
    /** RFC 3339, UTC. */
    at: z.string(),
  })
  .readonly();
export type AliasEntry = z.output<typeof AliasEntry>;

const entryName = (sequence: number): string => `${String(sequence).padStart(6, '0')}.json`;

/** Aliases by compare-and-set: an entry's file is created exclusively, so of two writers one learns AliasMoved. */
export class AliasBook {
  readonly #root: string;

  constructor(storeRoot: string) {
    this.#root = join(storeRoot, 'aliases');
  }

  /** Oldest first. Throws StoreCorrupt naming the file when an entry is none. */
  async history(alias: string): Promise<AliasEntry[]> {
    const names = await readdir(join(this.#root, checkedName(alias))).catch(() => []);
    const entries = names.filter((name) => /^\d{6}\.json$/.test(name)).toSorted(byName);
    return Promise.all(entries.map((name) => readEntry(join(this.#root, alias, name))));
  }

  async current(alias: string): Promise<AliasEntry | null> {
    return (await this.history(alias)).at(-1) ?? null;
  }

  /** Appends after `expected`, the sequence the caller last saw (0: none). Throws AliasMoved. */
  async append(entry: Omit<AliasEntry, 'sequence'>, expected: number): Promise<AliasEntry> {
    const next: AliasEntry = { ...entry, sequence: expected + 1 };
    const path = join(this.#root, checkedName(entry.alias), entryName(next.sequence));
    const seen = (await this.current(entry.alias))?.sequence ?? 0;
    // The look ahead finds a caller who is wrong; the exclusive file decides between two who are right.
    if (seen !== expected || !(await createAtomically(path, `${JSON.stringify(next, null, 2)}\n`))) {
      throw new BuildFailure('AliasMoved', `${entry.alias} is no longer at change ${expected}`);
    }
    return next;
  }

  async names(): Promise<string[]> {
    return (await readdir(this.#root).catch(() => [])).toSorted(byName);
  }
}

/** Anyone may have had the file open since: it lies in no artifact, so no digest vouches for it. */
async function readEntry(path: string): Promise<AliasEntry> {
  const text = await readFile(path, 'utf8');
  try {
    return AliasEntry.parse(JSON.parse(text));
  } catch (cause) {
    throw new BuildFailure('StoreCorrupt', `${path} is no entry of an alias`, {
      hint: 'Bring the file back from a backup; if it is the newest of its folder, it may also be removed.',
      cause,
    });
  }
}

function checkedName(alias: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(alias)) return alias;
  throw new BuildFailure(
    'UsageInvalid',
    `'${alias}' is no alias: use lower-case letters, digits, '.', '_' and '-'`,
  );
}

/** By code unit: numbered names sort by their number, whatever the locale. */
function byName(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

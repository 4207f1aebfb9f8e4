import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { createAtomically } from '../files/atomic-write.ts';

/** One change of an alias. Entries are numbered from 1 and never rewritten: the folder is the audit log. */
export interface AliasEntry {
  readonly alias: string;
  readonly sequence: number;
  readonly release: Digest;
  readonly run: string;
  readonly by: string;
  readonly reason: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

const entryName = (sequence: number): string => `${String(sequence).padStart(6, '0')}.json`;

/** Aliases by compare-and-set: an entry's file is created exclusively, so of two writers one learns AliasMoved. */
export class AliasBook {
  readonly #root: string;

  constructor(storeRoot: string) {
    this.#root = join(storeRoot, 'aliases');
  }

  /** Oldest first. */
  async history(alias: string): Promise<AliasEntry[]> {
    const names = await readdir(join(this.#root, checkedName(alias))).catch(() => []);
    const entries = names.filter((name) => /^\d{6}\.json$/.test(name)).toSorted(byName);
    return Promise.all(
      entries.map(
        async (name) => JSON.parse(await readFile(join(this.#root, alias, name), 'utf8')) as AliasEntry,
      ),
    );
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

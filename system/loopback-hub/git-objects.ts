import { createHash } from 'node:crypto';

/** The three object kinds of git that a listing needs, as git computes them (git-scm.com, "Git Objects"). */

/** id of a blob, tree or commit: sha1 of `<kind> <length>\0` and the content. */
export function gitObjectId(kind: 'blob' | 'tree' | 'commit', content: Uint8Array): string {
  return createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest('hex');
}

/** What git stores in place of a large file (git-lfs, docs/spec.md). */
export function largeFilePointer(sha256: string, bytes: number): Uint8Array {
  return Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${bytes}\n`);
}

export interface TreeMember {
  readonly name: string;
  readonly kind: 'blob' | 'tree';
  readonly oid: string;
}

/** git sorts a tree by name as bytes, a folder as if its name ended with `/`. */
export function treeId(members: readonly TreeMember[]): string {
  const sortName = ({ name, kind }: TreeMember): Buffer => Buffer.from(kind === 'tree' ? `${name}/` : name);
  const sorted = [...members].sort((a, b) => Buffer.compare(sortName(a), sortName(b)));
  const records = sorted.map(({ name, kind, oid }) =>
    Buffer.concat([
      Buffer.from(`${kind === 'tree' ? '40000' : '100644'} ${name}\0`),
      Buffer.from(oid, 'hex'),
    ]),
  );
  return gitObjectId('tree', Buffer.concat(records));
}

/** A commit without parents, author and date fixed: the id depends on the content alone. */
export function commitId(tree: string): string {
  const who = 'loopback-hub <loopback-hub@localhost> 0 +0000';
  return gitObjectId(
    'commit',
    Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nContent of the folder\n`),
  );
}

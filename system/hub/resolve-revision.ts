import { z } from 'zod';
import { isDigest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { type HubConnection, connectToHub } from './hub-connection.ts';
import { type HubFile, type HubListing, isCommit, isInnerPath, isRepositoryName } from './hub-file.ts';
import { refuse } from './judge-answer.ts';
import { type Patience, defaultPatience, withRetries } from './patience.ts';
import { receive } from './receive.ts';

export interface RevisionQuery {
  readonly endpoint: string;
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  readonly token?: string;
  readonly patience?: Partial<Patience>;
}

const revisionAnswer = z.object({
  sha: z.string().refine(isCommit),
  gated: z.union([z.boolean(), z.string()]).optional(),
});
const treeAnswer = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.number().int().nonnegative().optional(),
    oid: z.string().optional(),
    lfs: z.object({ oid: z.string(), size: z.number().int().nonnegative() }).nullish(),
  }),
);

/** Listings are text; a repository with 100,000 files needs about 30 MB. */
const largestAnswer = 64 << 20;
/** A page has 1,000 entries; the hub advises against more than 100,000 files. */
const mostPages = 2_000;
const mostEntries = 1_000_000;

/**
 * Fixes a revision at its commit and lists the files there: one request for the commit, then the file tree by
 * that commit, page by page. Throws RepositoryMissing, RevisionMissing, AccessDenied or HubUnreachable.
 */
export async function resolveRevision(query: RevisionQuery, scope: EffectScope): Promise<HubListing> {
  const { repo, revision } = query;
  if (!isRepositoryName(repo))
    throw new BuildFailure('RepositoryMissing', `${JSON.stringify(repo)} is no repository name`);
  await using connection = connectToHub(query, { ...defaultPatience, ...query.patience });
  const asking: Asking = { connection, scope, subject: { repo, revision } };
  const url = new URL(`api/models/${repo}/revision/${encodeURIComponent(revision)}`, connection.endpoint);
  const found = parse(revisionAnswer, (await askJson(url, asking)).value, asking);
  const files = await listFiles(found.sha, asking);
  scope.onProgress({ fraction: 1, note: `${files.length} files at ${found.sha.slice(0, 8)}` });
  return {
    repo,
    commit: found.sha,
    files,
    ...(typeof found.gated === 'string' ? { gated: found.gated } : {}),
  };
}

interface Asking {
  readonly connection: HubConnection;
  readonly scope: EffectScope;
  readonly subject: { readonly repo: string; readonly revision: string };
}

async function listFiles(commit: string, asking: Asking): Promise<HubFile[]> {
  const tree = new URL(`api/models/${asking.subject.repo}/tree/${commit}`, asking.connection.endpoint);
  const files: HubFile[] = [];
  let search: string | undefined = '?recursive=true&expand=false';
  const asked = new Set<string>();
  let seen = 0;
  while (search !== undefined) {
    if (asked.has(search)) throw strange(asking, 'a page names itself or an earlier one as the next');
    if (asked.size === mostPages) throw strange(asking, `it has more than ${mostPages} pages`);
    asked.add(search);
    tree.search = search;
    const page = await askJson(tree, asking);
    const entries = parse(treeAnswer, page.value, asking);
    seen += entries.length;
    if (seen > mostEntries) throw strange(asking, `it has more than ${mostEntries} entries`);
    for (const entry of entries) if (entry.type === 'file') files.push(toHubFile(entry, asking));
    asking.scope.onProgress({ fraction: 0.5, note: `${files.length} files` });
    // Only the query of the next page's address is taken: a mirror may hand out the addresses of the hub it mirrors.
    const next = /<([^>]*)>;\s*rel="?next"?/.exec(page.link)?.[1];
    search = next === undefined ? undefined : new URL(next, tree).search;
  }
  return files;
}

function toHubFile(entry: z.infer<typeof treeAnswer>[number], asking: Asking): HubFile {
  const { path, oid = '', lfs } = entry;
  if (!isInnerPath(path)) throw strange(asking, `the path ${JSON.stringify(path)} leaves the repository`);
  if (!isCommit(oid)) throw strange(asking, `${path} has no git id`);
  if (lfs === null || lfs === undefined) return { path, oid, bytes: entry.size ?? 0 };
  if (!isDigest(lfs.oid)) throw strange(asking, `${path} has no sha256`);
  return { path, oid, bytes: lfs.size, sha256: lfs.oid };
}

function askJson(
  url: URL,
  { connection, scope, subject }: Asking,
): Promise<{ value: unknown; link: string }> {
  return withRetries(
    async () => {
      const answer = await connection.get(url, { accept: 'application/json' }, scope.signal);
      if (answer.status !== 200) refuse(answer, subject, connection);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of receive(answer.body, connection, scope.signal)) {
        bytes += chunk.length;
        if (bytes > largestAnswer) throw strange({ connection, scope, subject }, 'the answer is endless');
        chunks.push(chunk);
      }
      const link = String(answer.headers['link'] ?? '');
      return { value: parseJson(Buffer.concat(chunks).toString('utf8')), link };
    },
    { patience: connection.patience, signal: scope.signal },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parse<S extends z.ZodType>(schema: S, value: unknown, asking: Asking): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw strange(
    asking,
    'it does not answer like a Hugging Face Hub',
    'HF_ENDPOINT must name a hub or a mirror of it.',
  );
}

function strange({ connection, subject }: Asking, why: string, hint?: string): BuildFailure {
  const message = `${connection.endpoint.host} lists ${subject.repo} in a way that cannot be used: ${why}`;
  return new BuildFailure('HubUnreachable', message, hint === undefined ? {} : { hint });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AccessRules, checkMayRead, identify } from './access.ts';
import type { ContentHost } from './content-host.ts';
import { type HubAddress, parseHubAddress } from './hub-address.ts';
import { HubRefusal, entryNotFound, repositoryNotFound, revisionNotFound } from './hub-refusal.ts';
import { modelDocument, pathEntries, treeEntries } from './listings.ts';
import type { PublishedRepository } from './published-repository.ts';
import { readPathsQuery } from './read-paths-query.ts';
import type { RepositoryShelf } from './repository-shelf.ts';
import { sendContent } from './send-content.ts';

export interface HubContext {
  readonly shelf: RepositoryShelf;
  readonly access: AccessRules;
  readonly contentHost: ContentHost;
  /** `http://127.0.0.1:<port>` of the hub and of its content host. */
  readonly endpoint: string;
  readonly contentEndpoint: string;
  /** Entries of one page of a tree listing. */
  readonly pageSize: number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: HubContext;
  readonly address: HubAddress;
  readonly repository: PublishedRepository;
  readonly token: string | undefined;
}

const answers = {
  model: { methods: ['GET', 'HEAD'], send: sendModel },
  tree: { methods: ['GET', 'HEAD'], send: sendTree },
  'paths-info': { methods: ['POST'], send: sendPaths },
  resolve: { methods: ['GET', 'HEAD'], send: sendFile },
} as const satisfies Record<
  HubAddress['verb'],
  { methods: readonly string[]; send: (exchange: Exchange) => unknown }
>;

/** Answers one request to the hub, or throws the HubRefusal to answer it with. */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  context: HubContext,
): Promise<void> {
  const token = identify(request.headers.authorization, context.access);
  const address = parseHubAddress(request.url ?? '/');
  const { methods, send } = answers[address.verb];
  if (!methods.some((method) => method === request.method))
    throw new HubRefusal(405, `Use ${methods.join(' or ')}`);
  const repository = await context.shelf.find(address.repo);
  if (repository === undefined) throw repositoryNotFound();
  if (!['main', 'HEAD', repository.commit].includes(address.revision))
    throw revisionNotFound(address.revision);
  response.setHeader('x-repo-commit', repository.commit);
  await send({ request, response, context, address, repository, token });
}

function sendModel({ response, address, repository, context }: Exchange): void {
  const document = modelDocument(repository, {
    isGated: context.access.gated?.includes(repository.name) === true,
    withBlobs: isTrue(address.query.get('blobs')),
    expand: [...address.query.getAll('expand'), ...address.query.getAll('expand[]')],
  });
  sendJson(response, document);
}

function sendTree({ request, response, address, repository, context }: Exchange): void {
  const { query, path } = address;
  const isRecursive = isTrue(query.get('recursive'));
  const entries = treeEntries(repository, {
    folder: path,
    isRecursive,
    withCommit: isTrue(query.get('expand')),
  });
  const from = Number(query.get('cursor') ?? 0);
  const limit = Math.min(Number(query.get('limit') ?? context.pageSize), context.pageSize);
  if (!Number.isSafeInteger(from) || from < 0 || !(limit >= 1))
    throw new HubRefusal(400, 'Invalid cursor or limit');
  if (from + limit < entries.length) {
    const next = new URL(`${context.endpoint}${request.url}`);
    next.searchParams.set('cursor', String(from + limit));
    response.setHeader('link', `<${next.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(from, from + limit));
}

async function sendPaths({ request, response, repository }: Exchange): Promise<void> {
  const { paths, expand } = await readPathsQuery(request);
  sendJson(response, pathEntries(repository, { paths, withCommit: expand }));
}

async function sendFile({ request, response, context, address, repository, token }: Exchange): Promise<void> {
  checkMayRead(repository.name, token, context.access);
  const file = repository.files.get(address.path);
  if (file === undefined) throw entryNotFound(address.path, repository.commit);
  if (file.large === undefined) {
    await sendContent(request, response, { file, headers: { etag: `"${file.oid}"` } });
    return;
  }
  const { sha256 } = file.large;
  const etag = `"${sha256}"`;
  response.writeHead(302, {
    etag,
    'x-linked-etag': etag,
    'x-linked-size': file.bytes,
    'accept-ranges': 'bytes',
    location: context.contentEndpoint + context.contentHost.publish(file, sha256),
    'content-length': 0,
  });
  response.end();
}

export function sendJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', body.length);
  response.end(body);
}

function isTrue(text: string | null): boolean {
  return text !== null && /^(true|1)$/i.test(text);
}

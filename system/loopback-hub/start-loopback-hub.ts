import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { access } from 'node:fs/promises';
import { BuildFailure } from '../../core/domain/failures.ts';
import { errorCode } from '../files/atomic-write.ts';
import type { AccessRules } from './access.ts';
import { type HubContext, answerRequest, sendJson } from './answer-request.ts';
import { createContentHost } from './content-host.ts';
import { HubRefusal } from './hub-refusal.ts';
import { createRepositoryShelf } from './repository-shelf.ts';

export interface LoopbackHubOptions extends AccessRules {
  /** Its name is the namespace; each sub-folder with `config.json` or `adapter_config.json` is a repository. */
  readonly root: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Port of the second host, to which large files are redirected. */
  readonly cdnPort?: number;
  /** Entries of one page of a tree listing; the hub's own 1,000 by default. */
  readonly pageSize?: number;
}

export interface LoopbackHub extends AsyncDisposable {
  /** What `HF_ENDPOINT` has to say: `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** The second host. */
  readonly contentEndpoint: string;
  /** `namespace/name` of what is served, sorted. */
  repositories(): Promise<readonly string[]>;
  /** Ends both hosts and cuts open connections. */
  close(): Promise<void>;
}

/**
 * A model hub on this machine only (127.0.0.1), for samples, tests and air-gapped hosts: it serves folders with the
 * Hugging Face Hub's protocol, so that its clients work unchanged. A changed file makes a new commit; there is no
 * history. Throws PortTaken, or RepositoryMissing when the root does not exist.
 */
export async function startLoopbackHub(options: LoopbackHubOptions): Promise<LoopbackHub> {
  const { root, port = 0, cdnPort = 0, pageSize = 1000 } = options;
  await access(root).catch(() => {
    throw new BuildFailure('RepositoryMissing', `the folder ${root} does not exist`, {
      hint: 'Point the hub at a folder.',
    });
  });
  const contentHost = createContentHost();
  const content = http.createServer((request, response) => {
    void answered(request, response, () => contentHost.answer(request, response));
  });
  const contentEndpoint = await listen(content, cdnPort);
  const shelf = createRepositoryShelf(root);
  const hub = http.createServer((request, response) => {
    void answered(request, response, () => answerRequest(request, response, context));
  });
  const endpoint = await listen(hub, port).catch(async (error: unknown) => {
    await stop(content);
    throw error;
  });
  const context: HubContext = { shelf, access: options, contentHost, endpoint, contentEndpoint, pageSize };
  const close = async (): Promise<void> => {
    await Promise.all([stop(hub), stop(content)]);
  };
  return {
    endpoint,
    contentEndpoint,
    repositories: () => shelf.names(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answered(
  request: IncomingMessage,
  response: ServerResponse,
  answer: () => Promise<void>,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    const refusal = error instanceof HubRefusal ? error : new HubRefusal(500, 'The loopback hub failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // An unread body would be taken for the next request of a kept connection.
    request.resume();
    for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
    if (refusal.code !== undefined) response.setHeader('x-error-code', refusal.code);
    response.setHeader('x-error-message', refusal.message);
    response.statusCode = refusal.status;
    sendJson(response, { error: refusal.message });
  }
}

async function listen(server: http.Server, port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const isTaken = errorCode(error) === 'EADDRINUSE';
      reject(isTaken ? new BuildFailure('PortTaken', `port ${port} is in use`, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? port) : port}`);
    });
  });
}

async function stop(server: http.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

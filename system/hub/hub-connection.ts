import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { BuildFailure } from '../../core/domain/failures.ts';
import { type Patience, PassingTrouble } from './patience.ts';

/**
 * GET requests to one hub. node:http rather than fetch: redirects, sockets and time limits stay in our hands, and
 * a body that ends early is told apart from one that is complete.
 */
export interface HubConnection extends AsyncDisposable {
  readonly endpoint: URL;
  readonly patience: Patience;
  /** Follows redirects. Throws PassingTrouble when the hub cannot be reached or does not answer in time. */
  get(url: URL, headers: Headers, signal: AbortSignal): Promise<HubAnswer>;
  /** Removes the token from a text that came from outside. */
  redact(text: string): string;
}

type Headers = { readonly [name: string]: string };

export interface HubAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Headers of the hub's own answer, which is a redirect when the bytes lie elsewhere. */
  readonly hubHeaders: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  /** False when a content host answered to which the hub redirected. */
  readonly isFromHub: boolean;
}

const mostRedirects = 6;

export function connectToHub(
  hub: { readonly endpoint: string; readonly token?: string },
  patience: Patience,
): HubConnection {
  const endpoint = parseEndpoint(hub.endpoint);
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  const send = (url: URL, headers: Headers, signal: AbortSignal): Promise<IncomingMessage> => {
    // The token belongs to the hub's origin; scheme, host and port must all be the same.
    const own = url.origin === endpoint.origin && hub.token !== undefined;
    const all = {
      'user-agent': 'enginewright',
      ...headers,
      ...(own ? { authorization: `Bearer ${hub.token}` } : {}),
    };
    return request(
      url,
      { headers: all, agent: url.protocol === 'https:' ? agents['https:'] : agents['http:'], signal },
      patience,
    );
  };
  return {
    endpoint,
    patience,
    redact: (text) => (hub.token === undefined ? text : text.replaceAll(hub.token, '…')),
    async get(start, headers, signal) {
      let url = start;
      const hubHeaders: IncomingHttpHeaders = {};
      for (let hop = 0; hop < mostRedirects; hop++) {
        const body = await send(url, headers, signal);
        const status = body.statusCode ?? 0;
        const isFromHub = url.origin === endpoint.origin;
        if (isFromHub) Object.assign(hubHeaders, body.headers);
        const target = status >= 300 && status < 400 ? body.headers.location : undefined;
        if (target === undefined) return { status, headers: body.headers, hubHeaders, body, isFromHub };
        body.resume();
        url = parseRedirect(target, url);
      }
      throw new BuildFailure('HubUnreachable', `${endpoint.host} redirects in a circle`);
    },
    async [Symbol.asyncDispose]() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

interface Sending {
  readonly headers: Headers;
  readonly agent: http.Agent;
  readonly signal: AbortSignal;
}

function request(
  url: URL,
  { headers, agent, signal }: Sending,
  patience: Patience,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = withResolvers<IncomingMessage>();
  const client = url.protocol === 'https:' ? https : http;
  const outgoing = client.request(url, { headers, agent, signal }, resolve);
  const late = setTimeout(() => outgoing.destroy(new Error('no answer in time')), patience.answerMs);
  outgoing.on('error', (error) => {
    clearTimeout(late);
    reject(signal.aborted ? signal.reason : unreachable(url.host, error));
  });
  outgoing.on('response', () => clearTimeout(late));
  outgoing.end();
  return promise;
}

/** `Promise.withResolvers` came with Node 22. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

export function unreachable(host: string, error: unknown): PassingTrouble {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = error instanceof Error ? error.message : String(error);
  const why = reasons[code] ?? (code === '' ? words : code);
  return new PassingTrouble(
    new BuildFailure('HubUnreachable', `${host} cannot be reached: ${why}`, { cause: error }),
  );
}

const reasons: { readonly [code: string]: string } = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve at the moment',
  ETIMEDOUT: 'the connection timed out',
};

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text.endsWith('/') ? text : `${text}/`) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new BuildFailure('HubUnreachable', 'the hub endpoint is not an http(s) address', {
      hint: 'Correct HF_ENDPOINT.',
    });
  }
  if (url.username !== '' || url.password !== '') {
    // Not repeated: whoever wrote it there meant it to be secret.
    throw new BuildFailure('UsageInvalid', 'the hub endpoint carries a name or password', {
      hint: 'Take them out of HF_ENDPOINT; a token belongs in HF_TOKEN.',
    });
  }
  return url;
}

function parseRedirect(target: string, from: URL): URL {
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new BuildFailure(
      'HubUnreachable',
      `${from.host} redirects to something that is not an http(s) address`,
    );
  }
  return url;
}

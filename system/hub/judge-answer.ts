import { BuildFailure } from '../../core/domain/failures.ts';
import type { HubAnswer, HubConnection } from './hub-connection.ts';
import { PassingTrouble } from './patience.ts';

/** What was asked for, for the messages. */
export interface Subject {
  readonly repo: string;
  readonly revision?: string;
  readonly path?: string;
}

/**
 * The failure an answer other than 2xx stands for; throws it. The hub names the reason in `X-Error-Code`
 * (huggingface_hub `hf_raise_for_status`); the status alone is ambiguous, since it also answers 401 for a
 * repository that does not exist. PassingTrouble for what may pass: 408, 425, 429, 5xx, an expired content link.
 */
export function refuse(answer: HubAnswer, subject: Subject, connection: HubConnection): never {
  const { status, headers, isFromHub } = answer;
  answer.body.resume();
  if (isFromHub) {
    const named = namedFailure(answer, subject, connection);
    if (named !== undefined) throw named;
  }
  const host = isFromHub ? connection.endpoint.host : 'the content host';
  const failure = new BuildFailure('HubUnreachable', `${host} answered ${status} for ${describe(subject)}`);
  // A signed content link expires; the next attempt asks the hub for a new one.
  const mayPass = status >= 500 || [408, 425, 429].includes(status) || !isFromHub;
  throw mayPass ? new PassingTrouble(failure, requestedWaitMs(headers)) : failure;
}

function namedFailure(
  answer: HubAnswer,
  subject: Subject,
  connection: HubConnection,
): BuildFailure | undefined {
  const { status, hubHeaders } = answer;
  const code = String(hubHeaders['x-error-code'] ?? '');
  const { repo, revision = 'main' } = subject;
  if (code === 'RepoNotFound')
    return new BuildFailure('RepositoryMissing', `${host(connection)} has no repository ${repo}`);
  if (code === 'RevisionNotFound')
    return new BuildFailure('RevisionMissing', `${repo} has no revision ${revision}`);
  if (code === 'EntryNotFound')
    return new BuildFailure('RevisionMissing', `${describe(subject)} is not on the hub any more`);
  if (status === 401 || status === 403) return denied(answer, subject, connection);
  if (status === 404)
    return new BuildFailure('RepositoryMissing', `${host(connection)} has nothing at ${describe(subject)}`);
  return undefined;
}

function denied(
  { status, hubHeaders }: HubAnswer,
  { repo }: Subject,
  connection: HubConnection,
): BuildFailure {
  const said = connection.redact(String(hubHeaders['x-error-message'] ?? '')).slice(0, 200);
  const isGated = hubHeaders['x-error-code'] === 'GatedRepo';
  const page = new URL(repo, connection.endpoint.origin).href;
  const hint = isGated
    ? `Accept the licence at ${page} with the account of the token${status === 401 ? ', and set the token' : ''}.`
    : 'Check that the token is valid and may read this repository.';
  const what = isGated ? 'is gated' : 'cannot be read';
  return new BuildFailure('AccessDenied', `${repo} ${what} (${status})${said === '' ? '' : `: ${said}`}`, {
    hint,
  });
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), else the reset of `RateLimit: "api";r=0;t=55`. */
function requestedWaitMs(headers: HubAnswer['headers']): number {
  const after = headers['retry-after'];
  const reset = /;\s*r=0;\s*t=(\d+)/.exec(String(headers['ratelimit'] ?? ''))?.[1];
  if (after === undefined) return Number(reset ?? 0) * 1000;
  const ms = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function host(connection: HubConnection): string {
  return connection.endpoint.host;
}

function describe({ repo, path }: Subject): string {
  return path === undefined ? repo : `${repo}/${path}`;
}

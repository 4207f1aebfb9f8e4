import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError, WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { BuildFailure, isFailureName, type FailureName } from '../../core/domain/failures.ts';
import type { RunResult } from '../../core/domain/run-result.ts';
import type { Printer } from '../output/printer.ts';
import { renderStepLine } from '../output/progress-lines.ts';
import { readProgress, type Progress, type StepLine } from './read-progress.ts';
import type { RunHandle } from './start-run.ts';

export interface FollowedRun {
  readonly result: RunResult;
  readonly lines: readonly StepLine[];
}

const pollMs = 300;
/** An embedded server that died is started again within seconds; a remote one may take longer to come back. */
const serverLossMs = 120_000;

/**
 * Shows a run until it ends and returns what came of it. An aborted signal asks the run to cancel and waits for it.
 * Throws the failure the run failed with, under its own name.
 */
export async function followRun(
  client: Client,
  handle: RunHandle,
  { print, signal }: { readonly print: Printer; readonly signal: AbortSignal },
): Promise<FollowedRun> {
  const ended = new AbortController();
  const onAbort = (): void => {
    print.note('cancelling the run; its processes are ended first');
    void handle.cancel().catch(() => undefined);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const shown = showUntil(client, handle.workflowId, { print, signal: ended.signal });
  try {
    const result = await survivingServerLoss(() => handle.result());
    ended.abort();
    await shown;
    const last = await readProgress(client, handle.workflowId).catch((): Progress => ({
      lines: [],
      awaiting: null,
    }));
    return { result, lines: last.lines };
  } catch (error) {
    ended.abort();
    await shown;
    throw failureOfRun(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function showUntil(
  client: Client,
  workflowId: string,
  { print, signal }: { print: Printer; signal: AbortSignal },
): Promise<void> {
  const said = new Map<string, string>();
  let last = false;
  do {
    last = signal.aborted;
    const progress = await readProgress(client, workflowId).catch(() => null);
    if (progress !== null) show(progress, said, print);
    await sleep(last ? 0 : pollMs, undefined, { signal }).catch(() => undefined);
  } while (!last);
}

/** A terminal is redrawn; a pipe gets a line when a step begins, ends or is tried again. */
function show({ lines, awaiting }: Progress, said: Map<string, string>, print: Printer): void {
  const waiting = awaiting === null ? [] : [`waiting for ${awaiting}: enginewright approve RUN --by NAME`];
  if (print.live) {
    print.redraw([...lines.map((line) => renderStepLine(line, print.color)), ...waiting]);
    return;
  }
  for (const line of lines) {
    const key = `${line.variant ?? ''}/${line.id}`;
    const state = `${line.status} ${line.attempt}`;
    if (said.get(key) !== state) print.note(renderStepLine(line, false));
    said.set(key, state);
  }
  for (const text of waiting) {
    if (!said.has(text)) print.note(text);
    said.set(text, '');
  }
}

/** A server that is restarted with its database goes on with the run; only the answer has to be asked for again. */
async function survivingServerLoss<T>(ask: () => Promise<T>): Promise<T> {
  let lostAt: number | null = null;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isLoss(error)) throw error;
      lostAt ??= Date.now();
      if (Date.now() - lostAt > serverLossMs) {
        throw new BuildFailure('ServerUnreachable', 'the Temporal server has been away for two minutes', {
          cause: error,
        });
      }
      await sleep(500);
    }
  }
}

/** gRPC 14, UNAVAILABLE, and what the connection's loss looks like meanwhile (1 cancelled, 4 deadline). */
function isLoss(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && [1, 4, 14].includes(cause.code);
}

/** The failure a run ended with, under the name the step gave it. */
function failureOfRun(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const cause = innermost(error.cause);
  if (cause instanceof CancelledFailure) return new BuildFailure('Cancelled', 'the run was cancelled');
  if (cause instanceof ApplicationFailure && isFailureName(cause.type ?? '')) return namedFailure(cause);
  return new BuildFailure('InternalError', error.cause?.message ?? error.message, { cause: error });
}

/** Workflow and activity failures wrap what was thrown; the first application or cancelled failure is it. */
function innermost(error: unknown): unknown {
  const isIt = error instanceof ApplicationFailure || error instanceof CancelledFailure;
  return isIt || !(error instanceof Error) || error.cause === undefined ? error : innermost(error.cause);
}

function namedFailure({ type, message, details }: ApplicationFailure): BuildFailure {
  const name = isFailureName(type ?? '') ? (type as FailureName) : 'InternalError';
  const [facts] = (details ?? []) as [{ hint?: string }?];
  return new BuildFailure(name, message, facts?.hint === undefined ? {} : { hint: facts.hint });
}

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';

const pollMs = 25;
const callMs = 2_000;
const loopback = '127.0.0.1';

export interface ServerToTry {
  readonly port: number;
  readonly uiAddress: string;
  readonly namespace: string;
}

/**
 * Waits until runs of the namespace can be listed and the web UI reaches the server. An open port says little: the
 * server listens before its namespaces are loaded, and the UI before the server answers it. Rejects with the
 * signal's reason when aborted.
 */
export async function waitUntilUsable(server: ServerToTry, signal: AbortSignal): Promise<void> {
  // A gRPC connection that is refused waits a second before it dials again; a bare one tells sooner.
  await untilItWorks(() => dial(server.port), signal);
  await Promise.all([
    untilItWorks(() => listRuns(server), signal),
    untilItWorks(() => askThroughUi(server), signal),
  ]);
}

async function untilItWorks(attempt: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch {
      await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function dial(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: loopback });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

async function listRuns({ port, namespace }: ServerToTry): Promise<void> {
  const connection = await Connection.connect({ address: `${loopback}:${port}`, connectTimeout: callMs });
  try {
    await connection.withDeadline(Date.now() + callMs, () =>
      connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }),
    );
  } finally {
    await connection.close();
  }
}

async function askThroughUi({ uiAddress, namespace }: ServerToTry): Promise<void> {
  const url = `${uiAddress}/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(callMs) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the web UI answers ${response.status}`);
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { searchAttributes } from '../../core/domain/search-attributes.ts';
import { startLoopbackHub } from '../loopback-hub/start-loopback-hub.ts';
import { bootstrapNamespace } from '../temporal-server/bootstrap-namespace.ts';
import { startTemporalServer } from '../temporal-server/start-temporal-server.ts';
import { asStoreFailure } from '../files/atomic-write.ts';
import { keepAlive } from './keep-alive.ts';
import { removeStackRecord, writeStackRecord, type StackRecord } from './stack-record.ts';
import { startWorkerProcess } from './worker-process.ts';

export interface StackOptions {
  readonly home: string;
  readonly namespace: string;
  readonly temporalExecutable: string;
  readonly port: number | undefined;
  readonly uiPort: number | undefined;
  /** A folder of repositories to serve as a model hub on the loopback interface. */
  readonly hubRoot: string | undefined;
  readonly roles: readonly string[];
  /** Arguments (after the Node executable) that start a worker of a role. */
  readonly workerArgs: (role: string) => readonly string[];
  /** Environment of the workers; the stack adds its own addresses. */
  readonly env: Readonly<Record<string, string>>;
  readonly onNote: (note: string) => void;
}

export interface Stack extends AsyncDisposable {
  readonly record: StackRecord;
}

/** Server, namespace, optional hub and one worker process a role; each is started again when it dies. */
export async function startStack(options: StackOptions, signal: AbortSignal): Promise<Stack> {
  const { home, namespace, onNote } = options;
  const logs = join(home, 'logs');
  await mkdir(logs, { recursive: true }).catch((error: unknown) => {
    throw asStoreFailure(error, logs);
  });
  await using cleanup = new AsyncDisposableStackLike();
  const server = await startServer(options, logs, signal);
  cleanup.defer(() => server.stop());
  const { address, uiAddress } = server.current();
  const connection = await Connection.connect({ address });
  try {
    await bootstrapNamespace(connection, { namespace, attributes: searchAttributes });
  } finally {
    await connection.close();
  }
  const hub = options.hubRoot === undefined ? null : await startLoopbackHub({ root: options.hubRoot });
  if (hub !== null) cleanup.defer(async () => hub[Symbol.asyncDispose]());
  const env = { ...options.env, TEMPORAL_ADDRESS: address, ENGINEWRIGHT_HOME: home, ...(hub === null ? {} : { HF_ENDPOINT: hub.endpoint }) };
  const record = (): StackRecord => ({
    pid: process.pid,
    address,
    uiAddress,
    namespace,
    hubEndpoint: hub?.endpoint ?? null,
    workers: Object.fromEntries(workers.map((worker) => [worker.current().name, worker.current().pid])),
  });
  const workers = await Promise.all(
    options.roles.map((role) => {
      const start = (): ReturnType<typeof startWorkerProcess> =>
        startWorkerProcess({ name: role, args: options.workerArgs(role), env, logFile: join(logs, `worker-${role}.log`) });
      const restarted = async (): Promise<Awaited<ReturnType<typeof start>>> => {
        const living = await start();
        queueMicrotask(() => void writeStackRecord(home, record()).catch(() => undefined));
        return living;
      };
      let first = true;
      return keepAlive({
        start: () => (first ? ((first = false), start()) : restarted()),
        onRestart: (reason) => onNote(`${reason}; starting it again`),
      });
    }),
  );
  cleanup.defer(() => Promise.all(workers.map((worker) => worker.stop())).then(() => undefined));
  await writeStackRecord(home, record());
  cleanup.defer(() => removeStackRecord(home));
  const owned = cleanup.move();
  return { record: record(), [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function startServer({ home, namespace, temporalExecutable, port, uiPort, onNote }: StackOptions, logs: string, signal: AbortSignal) {
  const options = { executable: temporalExecutable, databaseFile: join(home, 'temporal.db'), logFile: join(logs, 'temporal.log'), namespace };
  let ports = { port, uiPort };
  return keepAlive({
    async start() {
      const server = await startTemporalServer({ ...options, ...ports }, { signal, onProgress: () => undefined });
      // A server that died comes back under the same addresses, so that workers and clients find it again.
      ports = { port: portOf(server.address), uiPort: portOf(server.uiAddress) };
      return server;
    },
    onRestart: (reason) => onNote(`the Temporal server ${reason}; starting it again`),
  });
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** What has been started so far, ended in reverse order unless ownership moves on. (AsyncDisposableStack is not in Node 20.) */
class AsyncDisposableStackLike implements AsyncDisposable {
  #ends: (() => Promise<void>)[] = [];

  defer(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  move(): AsyncDisposable {
    const moved = new AsyncDisposableStackLike();
    moved.#ends = this.#ends;
    this.#ends = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

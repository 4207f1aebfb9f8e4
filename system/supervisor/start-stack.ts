import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { searchAttributes } from '../../core/domain/search-attributes.ts';
import { startLoopbackHub } from '../loopback-hub/start-loopback-hub.ts';
import { bootstrapNamespace } from '../temporal-server/bootstrap-namespace.ts';
import { startTemporalServer } from '../temporal-server/start-temporal-server.ts';
import { asStoreFailure } from '../files/atomic-write.ts';
import { Ownership } from '../process/ownership.ts';
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
  const { home, namespace } = options;
  const logs = join(home, 'logs');
  await mkdir(logs, { recursive: true }).catch((error: unknown) => {
    throw asStoreFailure(error, logs);
  });
  await using owned = new Ownership();
  const server = await startServer(options, logs, signal);
  owned.defer(() => server.stop());
  const { address, uiAddress } = server.current();
  await bootstrap(address, namespace);
  const hubEndpoint = await startHub(options.hubRoot, owned);
  const base = { pid: process.pid, address, uiAddress, namespace, hubEndpoint };
  const workers = await startWorkers(options, base, owned);
  await writeStackRecord(home, { ...base, workers: workers() });
  owned.defer(() => removeStackRecord(home));
  const moved = owned.move();
  return {
    record: { ...base, workers: workers() },
    [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
  };
}

async function bootstrap(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await bootstrapNamespace(connection, { namespace, attributes: searchAttributes });
  } finally {
    await connection.close();
  }
}

async function startHub(root: string | undefined, owned: Ownership): Promise<string | null> {
  if (root === undefined) return null;
  const hub = await startLoopbackHub({ root });
  owned.defer(() => hub.close());
  return hub.endpoint;
}

/** Starts the workers all at once; the answer tells their present process ids. */
async function startWorkers(options: StackOptions, base: Omit<StackRecord, 'workers'>, owned: Ownership) {
  const { home, onNote } = options;
  const hub = base.hubEndpoint === null ? {} : { HF_ENDPOINT: base.hubEndpoint };
  const env = { ...options.env, TEMPORAL_ADDRESS: base.address, ENGINEWRIGHT_HOME: home, ...hub };
  const pids = new Map<string, number>();
  const record = (): Record<string, number> => Object.fromEntries(pids);
  // All are awaited, also when one fails: those that did start have to be ended.
  const started = await Promise.allSettled(
    options.roles.map((role) =>
      keepAlive({
        async start() {
          const logFile = join(home, 'logs', `worker-${role}.log`);
          const worker = await startWorkerProcess({
            name: role,
            args: options.workerArgs(role),
            env,
            logFile,
          });
          const isAgain = pids.has(role);
          pids.set(role, worker.pid);
          if (isAgain) await writeStackRecord(home, { ...base, workers: record() });
          return worker;
        },
        onRestart: (reason) => onNote(`${reason}; starting it again`),
      }),
    ),
  );
  const workers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  owned.defer(() => Promise.all(workers.map((worker) => worker.stop())));
  for (const one of started) if (one.status === 'rejected') throw one.reason;
  return record;
}

async function startServer(
  { home, namespace, temporalExecutable, port, uiPort, onNote }: StackOptions,
  logs: string,
  signal: AbortSignal,
) {
  const options = {
    executable: temporalExecutable,
    databaseFile: join(home, 'temporal.db'),
    logFile: join(logs, 'temporal.log'),
    namespace,
  };
  let ports = { port, uiPort };
  return keepAlive({
    async start() {
      const server = await startTemporalServer(
        { ...options, ...ports },
        { signal, onProgress: () => undefined },
      );
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

import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import { freePorts, requireFreePort } from './free-port.ts';
import { requireExecutable } from './locate-server.ts';
import { serverArguments } from './server-arguments.ts';
import type { ServerSettings } from './server-arguments.ts';
import { spawnServer } from './spawn-server.ts';
import { logSize, readLogTail } from './server-log.ts';
import { claimDatabase, endLeftOverServer, recordServer, releaseDatabase } from './server-record.ts';
import { waitUntilUsable } from './wait-until-usable.ts';
import type { ServerToTry } from './wait-until-usable.ts';

/** A loaded machine may take several seconds where a quiet one takes half of one. */
const startMs = 60_000;
const startAttempts = 3;

export interface TemporalServerOptions {
  /** Path of the Temporal CLI, see locateTemporalServer. */
  readonly executable: string;
  /** SQLite file; made when absent, used on when present. */
  readonly databaseFile: string;
  /** Left out: a free port. */
  readonly port?: number | undefined;
  readonly uiPort?: number | undefined;
  /** The server's own output is appended here. */
  readonly logFile: string;
  readonly namespace: string;
  /** KEY=JSON pairs of Temporal's dynamic configuration. */
  readonly dynamicConfig?: readonly string[];
}

export interface TemporalServer {
  /** HOST:PORT for clients and workers. */
  readonly address: string;
  /** URL of the web UI. */
  readonly uiAddress: string;
  readonly pid: number;
  /** Settles when the server has ended, for whatever reason, with the reason in words. */
  readonly ended: Promise<string>;
  /** Ends the server and everything it started; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a development server on the loopback interface and waits until it can be used. The scope's signal ends the
 * start; a server that is up lives until stop(), or until this process exits.
 * Throws PortTaken for a given port in use, ToolchainMissing without an executable, ServerFailed with the last lines
 * of the log when the server ends by itself, does not become usable, or its database is another server's.
 */
export async function startTemporalServer(
  options: TemporalServerOptions,
  scope: EffectScope,
): Promise<TemporalServer> {
  scope.signal.throwIfAborted();
  await requireExecutable(options.executable, 'Run npm run setup, or set TEMPORAL_PATH.');
  const databaseFile = resolve(options.databaseFile);
  await Promise.all(
    [dirname(databaseFile), dirname(options.logFile)].map((folder) => mkdir(folder, { recursive: true })),
  );
  await endLeftOverServer(databaseFile);
  await claimDatabase(databaseFile);
  try {
    return await startOnFreePorts({ ...options, databaseFile }, scope);
  } catch (error) {
    await releaseDatabase(databaseFile);
    throw error;
  }
}

/**
 * Between choosing a free port and listening on it someone else may take it, and the server picks more ports for its
 * inner services with the same risk; then others are chosen. It may also panic when it is started on a loaded machine.
 */
async function startOnFreePorts(options: TemporalServerOptions, scope: EffectScope): Promise<TemporalServer> {
  for (let attempt = 1; ; attempt += 1) {
    const settings = await settle(options);
    try {
      return await startOnce(options, settings, scope);
    } catch (error) {
      if (!isWorthAnotherTry(error) || attempt === startAttempts) throw error;
    }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  const tail = error instanceof BuildFailure ? error.details['tail'] : undefined;
  return typeof tail === 'string' && /address already in use|^panic: /m.test(tail);
}

async function settle(options: TemporalServerOptions): Promise<ServerSettings> {
  const given = [options.port, options.uiPort].filter((port) => port !== undefined);
  await Promise.all(given.map((port) => requireFreePort(port)));
  const [port = 0, uiPort = 0] = await freePorts(2);
  return {
    databaseFile: options.databaseFile,
    port: options.port ?? port,
    uiPort: options.uiPort ?? uiPort,
    namespace: options.namespace,
    dynamicConfig: options.dynamicConfig ?? [],
  };
}

async function startOnce(
  { executable, logFile }: TemporalServerOptions,
  settings: ServerSettings,
  scope: EffectScope,
): Promise<TemporalServer> {
  const address = `127.0.0.1:${settings.port}`;
  const uiAddress = `http://127.0.0.1:${settings.uiPort}`;
  scope.onProgress({ fraction: 0, note: `starting the Temporal server at ${address}` });
  const logStart = await logSize(logFile);
  const child = await spawnServer({ executable, args: serverArguments(settings), logFile });
  try {
    const server = { port: settings.port, uiAddress, namespace: settings.namespace };
    await untilUsableOrEnded(child.ended, server, scope.signal);
    const running = { pid: child.pid, startedBy: process.pid, address, uiAddress };
    await recordServer(settings.databaseFile, running);
  } catch (error) {
    await child.stop();
    throw error === scope.signal.reason
      ? error
      : startFailure(error, await readLogTail(logFile, logStart), logFile);
  }
  scope.onProgress({ fraction: 1, note: `the Temporal server is up at ${address}` });
  const stop = async (): Promise<void> => {
    await child.stop();
    await releaseDatabase(settings.databaseFile);
  };
  return { address, uiAddress, pid: child.pid, ended: child.ended, stop };
}

async function untilUsableOrEnded(
  ended: Promise<string>,
  server: ServerToTry,
  signal: AbortSignal,
): Promise<void> {
  const settled = new AbortController();
  const limit = AbortSignal.timeout(startMs);
  const dies = ended.then((how) => {
    throw new Error(how);
  });
  try {
    await Promise.race([waitUntilUsable(server, AbortSignal.any([signal, limit, settled.signal])), dies]);
  } catch (error) {
    throw limit.aborted ? new Error(`was not usable after ${startMs / 1_000} s`, { cause: error }) : error;
  } finally {
    settled.abort();
  }
}

function startFailure(error: unknown, tail: string, logFile: string): BuildFailure {
  const how = error instanceof Error ? error.message : String(error);
  const lines = tail.split('\n');
  // Below a panic stands only where it happened.
  const last = tail === '' ? '' : `: ${lines.find((line) => line.startsWith('panic: ')) ?? lines.at(-1)}`;
  return new BuildFailure('ServerFailed', `the Temporal server ${how}${last}`, {
    details: { tail, logFile },
    cause: error,
  });
}

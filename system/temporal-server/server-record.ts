import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import { createAtomically, writeAtomically } from '../files/atomic-write.ts';
import { endGroup } from '../process/end-group.ts';
import { isAlive } from '../process/is-alive.ts';
import { serverGraceMs } from './spawn-server.ts';

// Two development servers on one database file both start and spoil each other's shards: the server itself does not
// look. So a file beside the database says who owns it, also after its owner's parent was killed.

const pid = z.int().positive();
const RunningServer = z
  .object({
    pid,
    /** The process that started it and should end it. */
    startedBy: pid,
    address: z.string(),
    uiAddress: z.string(),
  })
  .readonly();
/** A development server that is up, as its record says. */
export type RunningServer = z.output<typeof RunningServer>;

const ServerRecord = z.union([z.object({ starter: pid }).readonly(), RunningServer]);
type ServerRecord = z.output<typeof ServerRecord>;

/** The server that has this database open, if there is one. */
export async function findRunningServer(databaseFile: string): Promise<RunningServer | undefined> {
  const record = await readRecord(databaseFile);
  if (record === undefined || 'starter' in record) return undefined;
  return (await isServerOf(record.pid, databaseFile)) ? record : undefined;
}

/** Ends the server of a starter that was killed: nobody else would, and its address is known to nobody. */
export async function endLeftOverServer(databaseFile: string): Promise<void> {
  const server = await findRunningServer(databaseFile);
  if (server !== undefined && !isAlive(server.startedBy)) await endGroup(server.pid, serverGraceMs);
}

/** Takes the database for the calling process; throws ServerFailed when a living server or starter has it. */
export async function claimDatabase(databaseFile: string): Promise<void> {
  const mine: ServerRecord = { starter: process.pid };
  while (!(await createAtomically(recordFile(databaseFile), JSON.stringify(mine)))) {
    const record = await readRecord(databaseFile);
    if (record !== undefined) await requireGone(record, databaseFile);
    await releaseDatabase(databaseFile);
  }
}

export async function recordServer(databaseFile: string, server: RunningServer): Promise<void> {
  await writeAtomically(recordFile(databaseFile), JSON.stringify(server));
}

export async function releaseDatabase(databaseFile: string): Promise<void> {
  await rm(recordFile(databaseFile), { force: true });
}

async function requireGone(record: ServerRecord, databaseFile: string): Promise<void> {
  const isStarting = 'starter' in record;
  const pid = isStarting ? record.starter : record.pid;
  if (isStarting ? !isAlive(pid) : !(await isServerOf(pid, databaseFile))) return;
  const what = isStarting
    ? `process ${pid} is starting a server on it`
    : `the server at ${record.address} has it open`;
  throw new BuildFailure('ServerFailed', `the database ${databaseFile} is in use: ${what}`, {
    hint: isStarting ? 'Wait a moment and use that server.' : `Use that server, or end process ${pid}.`,
    details: { ...record },
  });
}

/** A pid may belong to someone else by now; the server's command line names its database. */
async function isServerOf(pid: number, databaseFile: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(databaseFile);
}

/** Undefined when there is none, or something else in its place. */
async function readRecord(databaseFile: string): Promise<ServerRecord | undefined> {
  try {
    return ServerRecord.parse(JSON.parse(await readFile(recordFile(databaseFile), 'utf8')));
  } catch {
    return undefined;
  }
}

function recordFile(databaseFile: string): string {
  return `${databaseFile}.server.json`;
}

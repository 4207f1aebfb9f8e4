import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  claimDatabase,
  findRunningServer,
  recordServer,
} from '../../../../system/temporal-server/server-record.ts';

let folder = '';
let database = '';
let server: ChildProcess;

/** A process that names the database on its command line, as the server does. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-record-'));
  database = join(folder, 'temporal.db');
  server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', database], { stdio: 'ignore' });
});

afterEach(async () => {
  server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function record() {
  const startedBy = process.pid;
  return { pid: server.pid ?? 0, startedBy, address: '127.0.0.1:1', uiAddress: 'http://127.0.0.1:2' };
}

describe('the record of who has a database', () => {
  it('finds the server that is up, and keeps others out', async () => {
    await recordServer(database, record());

    expect(await findRunningServer(database)).toEqual(record());
    await expect(claimDatabase(database)).rejects.toMatchObject({ name: 'ServerFailed' });
  });

  it.each([
    ['no JSON', '{"pid": 12'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a server without a starter', () => JSON.stringify({ ...record(), startedBy: undefined })],
    ['a server whose pid is text', () => JSON.stringify({ ...record(), pid: `${server.pid}` })],
    ['a server without an address', () => JSON.stringify({ ...record(), address: null })],
    ['a starter that is no process', JSON.stringify({ starter: -1 })],
  ])('counts for nothing when it is %s, and does not stand in the way', async (_, content) => {
    await writeFile(`${database}.server.json`, typeof content === 'string' ? content : content());

    expect(await findRunningServer(database)).toBeUndefined();
    await expect(claimDatabase(database)).resolves.toBeUndefined();
  });
});

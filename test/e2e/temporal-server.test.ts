import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchAttributes } from '../../core/domain/search-attributes.ts';
import { packageRoot } from '../../system/package-root.ts';
import { groupIsAlive } from '../../system/process/end-group.ts';
import { bootstrapNamespace } from '../../system/temporal-server/bootstrap-namespace.ts';
import { freePorts } from '../../system/temporal-server/free-port.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import { findRunningServer } from '../../system/temporal-server/server-record.ts';
import { startTemporalServer } from '../../system/temporal-server/start-temporal-server.ts';
import type {
  TemporalServer,
  TemporalServerOptions,
} from '../../system/temporal-server/start-temporal-server.ts';

const namespace = 'default';
const scope = { signal: new AbortController().signal, onProgress: () => {} };
let folder = '';
let executable = '';

function optionsFor(name: string, more: Partial<TemporalServerOptions> = {}): TemporalServerOptions {
  const files = {
    databaseFile: join(folder, name, 'temporal.db'),
    logFile: join(folder, name, 'server.log'),
  };
  return { executable, namespace, ...files, ...more };
}

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-server-'));
  executable = await locateTemporalServer({ root: packageRoot(), override: process.env['TEMPORAL_PATH'] });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a started server', () => {
  let server: TemporalServer;

  beforeAll(async () => {
    server = await startTemporalServer(optionsFor('started'), scope);
  });

  afterAll(() => server.stop());

  it('shows its web UI', async () => {
    const page = await fetch(server.uiAddress);

    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<html');
  });

  it('is made ready for runs, as often as one likes', async () => {
    await withConnection(server.address, async (connection) => {
      await bootstrapNamespace(connection, { namespace, attributes: searchAttributes });
      await bootstrapNamespace(connection, { namespace, attributes: searchAttributes });

      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const { config } = await connection.workflowService.describeNamespace({ namespace });
      expect(Object.keys(customAttributes)).toEqual(
        expect.arrayContaining(searchAttributes.map(({ name }) => name)),
      );
      expect(tsToMs(config?.workflowExecutionRetentionTtl ?? {})).toBe(720 * 3_600_000);
    });
  });

  it('makes a namespace that is missing, with the retention asked for', async () => {
    await withConnection(server.address, async (connection) => {
      const other = { namespace: 'other', attributes: searchAttributes, retentionHours: 48 };
      await bootstrapNamespace(connection, other);

      const { config } = await connection.workflowService.describeNamespace({ namespace: 'other' });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: 'other',
      });
      expect(tsToMs(config?.workflowExecutionRetentionTtl ?? {})).toBe(48 * 3_600_000);
      expect(Object.keys(customAttributes)).toContain('EwAdapters');
    });
  });

  it('refuses a search attribute that exists with another type', async () => {
    await withConnection(server.address, async (connection) => {
      await bootstrapNamespace(connection, { namespace, attributes: [{ name: 'EwProbe', type: 'INT' }] });

      const again = bootstrapNamespace(connection, {
        namespace,
        attributes: [{ name: 'EwProbe', type: 'KEYWORD' }],
      });

      await expect(again).rejects.toMatchObject({
        name: 'NamespaceMismatch',
        message: 'the namespace default has the search attribute EwProbe as INT, not as KEYWORD',
      });
    });
  });

  it('does not share its database with a second server', async () => {
    const second = startTemporalServer(optionsFor('started'), scope);

    await expect(second).rejects.toMatchObject({
      name: 'ServerFailed',
      message: expect.stringContaining(server.address),
    });
    expect(await findRunningServer(optionsFor('started').databaseFile)).toMatchObject({
      address: server.address,
    });
  });

  it('is not started on a port in use', async () => {
    const port = Number(server.address.split(':')[1]);

    const second = startTemporalServer(optionsFor('second', { port }), scope);

    await expect(second).rejects.toMatchObject({
      name: 'PortTaken',
      message: `port ${port} on 127.0.0.1 is in use`,
    });
  });
});

it('keeps runs, search attributes and retention over kill -9 and a new start on the same port', async () => {
  const [port, uiPort] = await freePorts(2);
  const options = optionsFor('killed', { port, uiPort });
  const recipe = defineSearchAttributeKey('EwRecipe', 'KEYWORD');
  const first = await startTemporalServer(options, scope);
  await withConnection(first.address, async (connection) => {
    await bootstrapNamespace(connection, { namespace, attributes: searchAttributes });
    await new Client({ connection, namespace }).workflow.start('nobodyRunsThis', {
      taskQueue: 'nobody',
      workflowId: 'kept',
      typedSearchAttributes: [{ key: recipe, value: 'sample' }],
    });
  });

  process.kill(-first.pid, 'SIGKILL');
  expect(await first.ended).toContain('SIGKILL');
  const second = await startTemporalServer(options, scope);

  try {
    expect(second.address).toBe(first.address);
    await withConnection(second.address, async (connection) => {
      const kept = await new Client({ connection, namespace }).workflow.getHandle('kept').describe();
      expect(kept.status.name).toBe('RUNNING');
      expect(kept.typedSearchAttributes.get(recipe)).toBe('sample');
      const { config } = await connection.workflowService.describeNamespace({ namespace });
      expect(tsToMs(config?.workflowExecutionRetentionTtl ?? {})).toBe(720 * 3_600_000);
    });
  } finally {
    await second.stop();
  }
});

it('leaves no process and no claim behind when it is stopped', async () => {
  const server = await startTemporalServer(optionsFor('stopped'), scope);

  await server.stop();
  await server.stop();

  expect(await groupIsAlive(server.pid)).toBe(false);
  expect(await findRunningServer(optionsFor('stopped').databaseFile)).toBeUndefined();
});

it('leaves no process behind when the start is cancelled', async () => {
  const cancel = new AbortController();
  const reason = new Error('enough');
  const start = startTemporalServer(optionsFor('cancelled'), { ...scope, signal: cancel.signal });
  await sleep(150);

  cancel.abort(reason);

  await expect(start).rejects.toBe(reason);
  const again = await startTemporalServer(optionsFor('cancelled'), scope);
  await again.stop();
});

it('tells why when the executable is missing', async () => {
  const start = startTemporalServer(optionsFor('missing', { executable: '/nowhere/temporal' }), scope);

  await expect(start).rejects.toMatchObject({
    name: 'ToolchainMissing',
    message: expect.stringContaining('/nowhere'),
  });
});

it('tells the last line of a server that ends by itself', async () => {
  const options = optionsFor('broken', { dynamicConfig: ['not a pair'] });

  const start = startTemporalServer(options, scope);

  await expect(start).rejects.toMatchObject({
    name: 'ServerFailed',
    message: expect.stringContaining('exit code 1'),
  });
  expect(await readFile(options.logFile, 'utf8')).toContain('not a pair');
});

it('does not take a port from a foreign listener', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => void listener.once('listening', resolve));
  const uiPort = (listener.address() as { port: number }).port;

  const start = startTemporalServer(optionsFor('foreign', { uiPort }), scope);

  await expect(start).rejects.toMatchObject({ name: 'PortTaken', details: { port: uiPort } });
  await new Promise((resolve) => void listener.close(resolve));
});

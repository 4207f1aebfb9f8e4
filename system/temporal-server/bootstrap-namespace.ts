import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import type { Connection } from '@temporalio/client';
import type { SearchAttributeType } from '@temporalio/common';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { BuildFailure } from '../../core/domain/failures.ts';

/** temporal.api.enums.v1.IndexedValueType of Temporal's public API. */
const indexedValueTypes = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
} as const satisfies Record<SearchAttributeType, number>;

/** Status code of https://grpc.io/docs/guides/status-codes. */
const grpcNotFound = 5;

const pollMs = 50;
const usableMs = 30_000;
const msPerHour = 3_600_000;

export interface NamespaceSettings {
  readonly namespace: string;
  readonly attributes: readonly { readonly name: string; readonly type: SearchAttributeType }[];
  /** How long closed runs are kept; a development server starts with 24. */
  readonly retentionHours?: number;
}

/**
 * Makes a namespace ready for runs: it exists, keeps closed runs long enough (720 hours unless told otherwise), and
 * knows the search attributes, which can be used once this returns. May be called any number of times; what is right
 * already is left alone. Throws NamespaceMismatch when an attribute exists with another type.
 */
export async function bootstrapNamespace(connection: Connection, settings: NamespaceSettings): Promise<void> {
  await provideRetention(connection, settings);
  await registerSearchAttributes(connection, settings);
}

/** The part of bootstrapNamespace that a server of somebody else's may have done to it: how long it keeps runs is theirs. */
export async function registerSearchAttributes(
  connection: Connection,
  settings: Pick<NamespaceSettings, 'namespace' | 'attributes'>,
): Promise<void> {
  const missing = await listMissing(connection, settings);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace: settings.namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedValueTypes[type]])),
  });
  await untilQueryWorks(
    connection,
    settings.namespace,
    missing.map(({ name }) => `${name} IS NULL`).join(' AND '),
  );
}

async function provideRetention(
  connection: Connection,
  { namespace, retentionHours = 720 }: NamespaceSettings,
) {
  const retention = retentionHours * msPerHour;
  const found = await readRetention(connection, namespace);
  if (found === retention) return;
  if (found !== undefined) {
    const config = { workflowExecutionRetentionTtl: msToTs(retention) };
    await connection.workflowService.updateNamespace({ namespace, config });
    return;
  }
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(retention),
  });
  await untilQueryWorks(connection, namespace, '');
}

/** In milliseconds; undefined when there is no such namespace. */
async function readRetention(connection: Connection, namespace: string): Promise<number | undefined> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    return tsToMs(config?.workflowExecutionRetentionTtl ?? {});
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
    if (code === grpcNotFound) return undefined;
    throw error;
  }
}

async function listMissing(
  connection: Connection,
  { namespace, attributes }: Pick<NamespaceSettings, 'namespace' | 'attributes'>,
) {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  for (const { name, type } of attributes) {
    const found: number = customAttributes[name] ?? indexedValueTypes[type];
    if (found === indexedValueTypes[type]) continue;
    const foundType =
      Object.entries(indexedValueTypes).find(([, value]) => value === found)?.[0] ?? `type ${found}`;
    throw new BuildFailure(
      'NamespaceMismatch',
      `the namespace ${namespace} has the search attribute ${name} as ${foundType}, not as ${type}`,
      { details: { namespace, name, found: foundType, wanted: type } },
    );
  }
  return attributes.filter(({ name }) => customAttributes[name] === undefined);
}

/** The server's parts learn of a change one after the other; a query that names it tells when all have. */
async function untilQueryWorks(connection: Connection, namespace: string, query: string): Promise<void> {
  const deadline = Date.now() + usableMs;
  for (;;) {
    try {
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(pollMs);
    }
  }
}

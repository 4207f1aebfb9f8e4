import { Client, Connection } from '@temporalio/client';
import type { StackFile } from './stack.ts';

/** What a person sees of a workflow in the Temporal UI. */
export interface RunDescription {
  /** Ours only: the server adds its own. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly summary: string | undefined;
  readonly details: string | undefined;
  readonly currentDetails: string;
}

export async function descriptionOf(
  workflowId: string,
  { address, namespace }: Pick<StackFile, 'address' | 'namespace'>,
): Promise<RunDescription> {
  const connection = await Connection.connect({ address });
  try {
    const handle = new Client({ connection, namespace }).workflow.getHandle(workflowId);
    const described = await handle.describe();
    // The query by which the UI asks for them, https://docs.temporal.io/dev-guide/typescript/observability.
    const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    const own = described.typedSearchAttributes.getAll().filter(({ key }) => key.name.startsWith('Ew'));
    return {
      attributes: Object.fromEntries(own.map(({ key, value }) => [key.name, value])),
      summary: await described.staticSummary(),
      details: await described.staticDetails(),
      currentDetails: metadata.currentDetails ?? '',
    };
  } finally {
    await connection.close();
  }
}

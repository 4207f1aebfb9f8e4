import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { BuildFailure } from '../../core/domain/failures.ts';

/** A handle on a run that exists. Throws RunMissing. */
export async function findRun(client: Client, workflowId: string): Promise<WorkflowHandle> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    await handle.describe();
    return handle;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new BuildFailure('RunMissing', `there is no run ${workflowId}`, { cause: error });
    throw error;
  }
}

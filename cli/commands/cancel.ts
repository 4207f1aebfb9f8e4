import { WorkflowFailedError } from '@temporalio/client';
import { defineCommand } from '../define-command.ts';
import { findRun } from '../temporal/find-run.ts';
import { addressOption } from '../temporal/address-option.ts';
import { openStack } from '../temporal/open-stack.ts';

export const cancel = defineCommand({
  name: 'cancel',
  summary: 'Cancel a run and wait until its processes are gone.',
  positionals: 'RUN',
  options: {
    address: addressOption,
  },
  async run({ options, positionals, ...context }) {
    await using stack = await openStack(context, { address: options.address, start: false });
    const handle = await findRun(stack.client, positionals[0] ?? '');
    await handle.cancel();
    // Steps are asked to end and awaited, so a closed run has no process left.
    await handle.result().catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
    });
    const { status } = await handle.describe();
    context.print.result(
      { run: handle.workflowId, status: status.name.toLowerCase() },
      `${handle.workflowId} ${status.name.toLowerCase()}`,
    );
  },
});

import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { Decision } from '../../workflows/messages.ts';
import { defineCommand, type Command } from '../define-command.ts';
import { findRun } from '../temporal/find-run.ts';
import { addressOption } from '../temporal/address-option.ts';
import { openStack } from '../temporal/open-stack.ts';

export const approve = decision('approve', 'Approve the release a run waits with; its alias is promoted.');
export const reject = decision('reject', 'Reject the release a run waits with; its alias stays.');

function decision(name: 'approve' | 'reject', summary: string): Command {
  return defineCommand({
    name,
    summary,
    positionals: 'RUN',
    options: {
      by: { type: 'string', value: 'NAME', description: 'Who decides; stays in the history.' },
      reason: { type: 'string', value: 'TEXT', description: 'Why; stays in the history.' },
      address: addressOption,
    },
    async run({ options, positionals, ...context }) {
      const { by } = options;
      if (by === undefined || by.trim() === '')
        throw new BuildFailure('UsageInvalid', `${name} needs --by: a decision names who made it`);
      await using stack = await openStack(context, { address: options.address, start: false });
      const handle = await findRun(stack.client, positionals[0] ?? '');
      try {
        const answer = await handle.executeUpdate<string, [Decision]>(name, {
          args: [{ by, reason: options.reason ?? '' }],
        });
        context.print.result(
          { run: handle.workflowId, decision: name, by },
          `${handle.workflowId}: ${answer}`,
        );
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError)
          throw new BuildFailure('UsageInvalid', error.cause?.message ?? error.message, { cause: error });
        if (error instanceof WorkflowNotFoundError)
          throw new BuildFailure('UsageInvalid', `${handle.workflowId} has ended: it waits for no decision`, {
            hint: `Use enginewright promote, or run the recipe again.`,
            cause: error,
          });
        throw error;
      }
    },
  });
}

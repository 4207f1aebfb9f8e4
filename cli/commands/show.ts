import { defineCommand } from '../define-command.ts';
import { renderStepLine } from '../output/progress-lines.ts';
import { readProgress } from '../run/read-progress.ts';
import { findRun } from '../temporal/find-run.ts';
import { addressOption } from '../temporal/address-option.ts';
import { openStack } from '../temporal/open-stack.ts';

export const show = defineCommand({
  name: 'show',
  summary: 'Show what a run did or is doing, step by step.',
  positionals: 'RUN',
  options: {
    address: addressOption,
  },
  async run({ options, positionals, ...context }) {
    await using stack = await openStack(context, { address: options.address, start: false });
    const handle = await findRun(stack.client, positionals[0] ?? '');
    const { status } = await handle.describe();
    const { lines, awaiting } = await readProgress(stack.client, handle.workflowId);
    const waiting = awaiting === null ? [] : [`waiting for ${awaiting}`];
    const text = [
      `${handle.workflowId}  ${status.name.toLowerCase()}`,
      ...lines.map((line) => renderStepLine(line, false)),
      ...waiting,
    ];
    context.print.result(
      { run: handle.workflowId, status: status.name.toLowerCase(), awaiting, steps: lines },
      text.join('\n'),
    );
  },
});

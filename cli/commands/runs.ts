import type { WorkflowExecutionInfo } from '@temporalio/client';
import { defineCommand } from '../define-command.ts';
import { renderTextTable } from '../output/text-table.ts';
import { parseWhole } from '../parse-number.ts';
import { addressOption } from '../temporal/address-option.ts';
import { openStack } from '../temporal/open-stack.ts';

export const runs = defineCommand({
  name: 'runs',
  summary: 'List runs, newest first.',
  positionals: '',
  options: {
    address: addressOption,
    recipe: { type: 'string', value: 'NAME', description: 'Only runs of this recipe.' },
    limit: { type: 'string', value: 'N', description: 'How many (default 20).' },
  },
  async run({ options, ...context }) {
    await using stack = await openStack(context, { address: options.address, start: false });
    const limit = parseWhole('--limit', options.limit ?? '20', { least: 1, most: 1000 });
    // Quotes cannot be escaped in a visibility query; a recipe's name never has one.
    const recipe =
      options.recipe === undefined ? '' : ` AND EwRecipe = "${options.recipe.replaceAll(/[^\w.-]/g, '')}"`;
    const found = [];
    for await (const info of stack.client.workflow.list({ query: `WorkflowType = "runRecipe"${recipe}` })) {
      found.push(describe(info));
      if (found.length === limit) break;
    }
    const rows = found.map(({ run, status, recipe: name, verdict, startedAt, seconds }) => [
      run,
      name,
      status,
      verdict,
      startedAt.slice(0, 19),
      seconds === null ? '' : `${seconds.toFixed(0)} s`,
    ]);
    const columns = ['run', 'recipe', 'status', 'verdict', 'started (UTC)', 'time'];
    const text =
      rows.length === 0
        ? 'no runs yet'
        : renderTextTable({
            columns,
            rows,
            alignment: columns.map((title) => (title === 'time' ? 'right' : 'left')),
          });
    context.print.result(found, text);
  },
});

function describe({
  workflowId,
  status,
  startTime,
  closeTime,
  typedSearchAttributes,
}: WorkflowExecutionInfo) {
  const attributes = new Map(
    typedSearchAttributes.getAll().map(({ key, value }) => [key.name, String(value)]),
  );
  return {
    run: workflowId,
    recipe: attributes.get('EwRecipe') ?? '',
    status: status.name.toLowerCase(),
    verdict: attributes.get('EwVerdict') ?? '',
    startedAt: startTime.toISOString(),
    seconds: closeTime === undefined ? null : (closeTime.getTime() - startTime.getTime()) / 1000,
  };
}

import { join } from 'node:path';
import { removeFolder } from '../../system/files/read-write.ts';
import { packageRoot } from '../../system/package-root.ts';
import { defineCommand, type Context } from '../define-command.ts';
import { exitCodes, followRecipe, prepare, type RecipeOutcome } from '../run/execute-recipe.ts';
import { openStack } from '../temporal/open-stack.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: 'Run the sample recipe against a loopback model hub, then once more with everything cached.',
  positionals: '',
  options: {
    'keep-up': { type: 'boolean', description: 'Leave server, hub and workers running.' },
    fresh: { type: 'boolean', description: 'Empty the store first.' },
  },
  async run({ options, ...context }) {
    const { home, print } = context;
    const sample = join(packageRoot(), 'examples', 'sample');
    if (options.fresh) for (const folder of ['store', 'hub']) await removeFolder(join(home, folder));
    const prepared = await prepare(context, { file: join(sample, 'recipe.yaml'), hub: sample });
    await using stack = await openStack(context, { start: true, keepUp: options['keep-up'], hub: sample });
    const first = await followRecipe(context, stack, prepared);
    const again = await followRecipe(quiet(context), stack, prepared);
    print.note(describeRun('demo', first));
    print.note(describeRun('again', again));
    return exitCodes[first.followed.result.verdict];
  },
});

/** The second run only shows that nothing is left to do: its lines and its table would repeat the first's. */
function quiet(context: Context): Context {
  const silent = (): void => undefined;
  return {
    ...context,
    print: { ...context.print, live: false, note: silent, redraw: silent, result: silent },
  };
}

function stepsRun({ followed }: RecipeOutcome): number {
  return followed.lines.filter(({ status }) => status === 'done').length;
}

function describeRun(name: string, outcome: RecipeOutcome): string {
  const engineSteps = outcome.followed.lines.filter(
    ({ status, step }) => status === 'done' && step.includes('engine'),
  );
  const ran = stepsRun(outcome);
  const failed = outcome.followed.lines.filter(({ status }) => status === 'failed').length;
  const what =
    ran + failed === 0
      ? 'every step cached, no engine work'
      : `${ran} steps ran, ${engineSteps.length} of them on engines${failed === 0 ? '' : `, ${failed} failed`}`;
  return `${name.padEnd(9)} ${outcome.seconds.toFixed(1)} s: ${what}`;
}

import { join } from 'node:path';
import { removeFolder } from '../../system/files/read-write.ts';
import { packageRoot } from '../../system/package-root.ts';
import { defineCommand } from '../define-command.ts';
import { executeRecipe } from '../run/execute-recipe.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: 'Run the sample recipe against a loopback model hub; a second time everything is cached.',
  positionals: '',
  options: {
    'keep-up': { type: 'boolean', description: 'Leave server, hub and workers running.' },
    fresh: { type: 'boolean', description: 'Empty the store first.' },
  },
  async run({ options, ...context }) {
    const { home, print } = context;
    const sample = join(packageRoot(), 'examples', 'sample');
    if (options.fresh) for (const folder of ['store', 'hub']) await removeFolder(join(home, folder));
    const started = performance.now();
    const outcome = await executeRecipe(context, {
      file: join(sample, 'recipe.yaml'),
      keepUp: options['keep-up'],
      detach: false,
      hub: sample,
    });
    const seconds = (performance.now() - started) / 1000;
    const lines = outcome.followed?.lines ?? [];
    const ran = lines.filter(({ status, step }) => status === 'done' && step !== 'promote').length;
    const again =
      ran === 0 ? 'every step was cached' : `${ran} steps ran; run it again and every step is cached`;
    print.note(
      `demo      ${seconds.toFixed(1)} s in all, of which the run ${outcome.seconds.toFixed(1)} s; ${again}`,
    );
    return outcome.exitCode;
  },
});

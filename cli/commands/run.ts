import { defineCommand } from '../define-command.ts';
import { executeRecipe } from '../run/execute-recipe.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Plan a recipe, run it, follow it and print the verdict.',
  positionals: 'RECIPE',
  options: {
    address: {
      type: 'string',
      value: 'HOST:PORT',
      description: 'Temporal server (default: $TEMPORAL_ADDRESS, else the embedded one).',
    },
    'keep-up': { type: 'boolean', description: 'Leave the embedded server and workers running.' },
    detach: {
      type: 'boolean',
      description: 'Start the run and return; needs a server that stays (--address, or enginewright up).',
    },
    hub: {
      type: 'string',
      value: 'DIR',
      description: 'Serve the repositories in DIR as the model hub of the embedded workers.',
    },
  },
  async run({ options, positionals, ...context }) {
    const { address, hub, detach } = options;
    const keepUp = options['keep-up'];
    return executeRecipe(context, { file: positionals[0] ?? '', address, hub, detach, keepUp });
  },
});

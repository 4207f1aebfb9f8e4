import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface QuantizationsOptions {
  /** Absolute. Its folder is served as the model hub. */
  readonly recipe: string;
  /** A home that is kept, with all that it has made already; null: a fresh one that goes away. Absolute. */
  readonly home: string | null;
  /** Folder of the two results, absolute. */
  readonly to: string;
  /** As the page tells it. */
  readonly command: string;
}

export const usage = `usage: npm run bench:quantizations -- [flags]

Runs a recipe that compares quantizations, and writes what came of it as quantizations.{json,md}. Needs a built dist/.
How many samples and windows it scores is the recipe's to say.

  --recipe FILE   The recipe; its folder serves the models (default: examples/sample/quantizations.yaml).
  --home DIR      Run in this home and leave it (default: a fresh one, removed at the end).
  --to DIR        Folder of the results (default: docs/results).
  --help          Show this help.`;

/** Undefined where help was asked for. Throws TypeError for flags there are not. */
export function parseOptions(args: readonly string[], root: string): QuantizationsOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      recipe: { type: 'string', default: join(root, 'examples', 'sample', 'quantizations.yaml') },
      home: { type: 'string' },
      to: { type: 'string', default: join(root, 'docs', 'results') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const recipe = resolve(values.recipe);
  const inRoot = relative(root, recipe);
  const isUsual = inRoot === join('examples', 'sample', 'quantizations.yaml');
  // Where it ran and where the results went says nothing to a reader of them.
  const command = ['npm run bench:quantizations', ...(isUsual ? [] : [`-- --recipe ${inRoot}`])].join(' ');
  return {
    recipe,
    home: values.home === undefined ? null : resolve(values.home),
    to: resolve(values.to),
    command,
  };
}

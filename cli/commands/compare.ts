import { locateWeights } from '../../system/native-cli/locate.ts';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import type { SideChoice } from '../../system/weights/compared-side.ts';
import type { Comparison } from '../../system/weights/contract.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';

const shownDifferences = 20;

export const compare = defineCommand({
  name: 'compare',
  summary: 'Compare two sets of weights bit by bit, whatever their formats; exit 1 when they differ.',
  positionals: 'A B',
  options: {
    root: {
      type: 'string',
      value: 'KEY',
      description:
        'Key of the state dict inside a training checkpoint; of A, and of B unless --root-b is given.',
    },
    'root-b': {
      type: 'string',
      value: 'KEY',
      description: 'The same for B; empty when only A is a checkpoint.',
    },
  },
  async run({ options, positionals, ...context }) {
    const [a = '', b = ''] = positionals;
    const executable = locateWeights(context.environment.weightsExecutable);
    const comparison = await compareWeights(
      choose(a, options.root),
      choose(b, options['root-b'] ?? options.root),
      { ...effectScope(context, 'compare'), executable },
    );
    for (const notice of comparison.notices) context.print.note(notice);
    context.print.result(comparison, describe(comparison));
    return comparison.equal ? 0 : 1;
  },
});

function choose(path: string, root: string | undefined): SideChoice {
  return root === undefined || root === '' ? { path } : { path, root };
}

function describe({ equal, differences, tensors, root }: Comparison): string {
  if (equal) return `equal: ${tensors} tensors, root ${root ?? ''}`;
  const lines = differences.slice(0, shownDifferences).map(describeDifference);
  const more =
    differences.length > shownDifferences ? [`… and ${differences.length - shownDifferences} more`] : [];
  return [`${differences.length} tensors differ`, ...lines, ...more].join('\n');
}

function describeDifference({
  tensor,
  reason,
  items,
  different,
  maxAbs,
}: Comparison['differences'][number]): string {
  const count = items === undefined ? '' : ` in ${different} of ${items} items`;
  const distance = typeof maxAbs === 'number' ? `, by at most ${maxAbs.toPrecision(3)}` : '';
  return `${tensor}: ${reason}${count}${distance}`;
}

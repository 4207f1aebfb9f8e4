import { locateWeights } from '../../system/native-cli/locate.ts';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';

const shownDifferences = 20;

export const compare = defineCommand({
  name: 'compare',
  summary: 'Compare two sets of weights bit by bit, whatever their formats; exit 1 when they differ.',
  positionals: 'A B',
  options: {},
  async run({ positionals, ...context }) {
    const [a = '', b = ''] = positionals;
    const executable = locateWeights(context.environment.weightsExecutable);
    const comparison = await compareWeights(a, b, { ...effectScope(context, 'compare'), executable });
    const { equal, differences, tensors } = comparison;
    const lines = differences.slice(0, shownDifferences).map(({ tensor, reason }) => `${tensor}: ${reason}`);
    const more =
      differences.length > shownDifferences ? [`… and ${differences.length - shownDifferences} more`] : [];
    context.print.result(
      comparison,
      equal
        ? `equal: ${tensors} tensors`
        : [`${differences.length} tensors differ`, ...lines, ...more].join('\n'),
    );
    return equal ? 0 : 1;
  },
});

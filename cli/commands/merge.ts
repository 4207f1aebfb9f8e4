import { BuildFailure } from '../../core/domain/failures.ts';
import { describeDifference } from '../../core/reports/describe-merge.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { choose } from '../choose.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';

const roundings = ['peft-default', 'peft-safe', 'once'] as const;
const rowChoices = ['refuse', 'mean'] as const;

export const merge = defineCommand({
  name: 'merge',
  summary: 'Merge LoRA adapters into a base model.',
  positionals: '',
  options: {
    base: { type: 'string', value: 'DIR', description: 'Folder of the base model.' },
    adapter: {
      type: 'string',
      value: 'DIR[@weight]',
      multiple: true,
      description: 'Adapter folder; several are merged in order.',
    },
    out: { type: 'string', value: 'DIR', description: 'New or empty folder for the merged model.' },
    rounding: {
      type: 'string',
      value: roundings.join('|'),
      description: 'How sums are rounded (default: peft-default).',
    },
    'new-rows': {
      type: 'string',
      value: rowChoices.join('|'),
      description: 'When the tokenizer needs rows that no adapter brings (default: refuse).',
    },
    'any-base': {
      type: 'boolean',
      description: 'Also merge adapters that name another hub repository as their base.',
    },
  },
  async run({ options, ...context }) {
    const { base, out } = options;
    if (base === undefined || out === undefined || options.adapter.length === 0) {
      throw new BuildFailure('UsageInvalid', 'merge needs --base, at least one --adapter, and --out');
    }
    const rounding = choose('--rounding', options.rounding ?? 'peft-default', roundings);
    const newRows = choose('--new-rows', options['new-rows'] ?? 'refuse', rowChoices);
    const executable = locateWeights(context.environment.weightsExecutable);
    const anyBase = options['any-base'];
    const request = { base, out, rounding, newRows, anyBase, adapters: options.adapter.map(parseAdapter) };
    const report = await mergeAdapters(request, { ...effectScope(context, 'merge'), executable });
    for (const warning of report.warnings) context.print.note(`warning: ${warning}`);
    const { tokenizerDifference } = report;
    if (tokenizerDifference !== null)
      context.print.note(
        `tokenizer of the adapter: ${describeDifference(tokenizerDifference) || 'the same'}`,
      );
    const text = `${report.tensorsMerged} tensors merged, ${report.tensorsReplaced} replaced, tokenizer of the ${report.tokenizer}: ${out}`;
    context.print.result(report, text);
  },
});

/** `DIR@0.5`: an `@` that is not followed by a number belongs to the folder's name. */
function parseAdapter(text: string): { folder: string; weight: number } {
  const [, folder, weight] = /^(.+)@(-?\d+(?:\.\d+)?(?:e-?\d+)?)$/i.exec(text) ?? [];
  return folder === undefined ? { folder: text, weight: 1 } : { folder, weight: Number(weight) };
}

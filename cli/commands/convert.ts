import { BuildFailure } from '../../core/domain/failures.ts';
import { nearest } from '../../core/domain/nearest.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { formatBytes } from '../output/units.ts';

const formats = ['safetensors', 'bin'] as const;

export const convert = defineCommand({
  name: 'convert',
  summary: 'Convert weights between safetensors and PyTorch bin, every tensor byte for byte.',
  positionals: 'IN OUT',
  options: {
    to: { type: 'string', value: formats.join('|'), description: 'Format of the output.' },
    root: {
      type: 'string',
      value: 'KEY',
      description: 'Key of the state dict inside a training checkpoint.',
    },
  },
  async run({ options, positionals, ...context }) {
    const [from = '', to = ''] = positionals;
    const format = formats.find((known) => known === options.to);
    if (format === undefined) {
      const meant = nearest(options.to ?? '', formats);
      throw new BuildFailure(
        'UsageInvalid',
        `--to is ${formats.join(' or ')}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
      );
    }
    const executable = locateWeights(context.environment.weightsExecutable);
    const scope = { ...effectScope(context, 'convert'), executable };
    const report = await convertWeights(
      { from, to, format, ...(options.root === undefined ? {} : { root: options.root }) },
      scope,
    );
    for (const notice of report.notices) context.print.note(notice);
    const text = `${report.tensors} tensors, ${formatBytes(report.bytes)}, ${report.files.length} files in ${to}`;
    context.print.result(report, text);
  },
});

import { BuildFailure } from '../../core/domain/failures.ts';
import { parseShardSize } from '../../core/formats/split-shards.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { choose } from '../choose.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { formatBytes } from '../output/units.ts';

const formats = ['safetensors', 'bin'] as const;
const aliasModes = ['drop-tied', 'duplicate'] as const;

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
    aliases: {
      type: 'string',
      value: aliasModes.join('|'),
      description:
        'An output layer that shares the embedding in safetensors: left out and recorded, or written out (default: by the config).',
    },
    'max-shard-size': {
      type: 'string',
      value: 'SIZE',
      description: "Divide a folder anew, e.g. 5GB, decimal (default: the input's files).",
    },
  },
  async run({ options, positionals, ...context }) {
    const [from = '', to = ''] = positionals;
    const format = choose('--to', options.to ?? '', formats);
    const aliases =
      options.aliases === undefined ? {} : { aliases: choose('--aliases', options.aliases, aliasModes) };
    const size = options['max-shard-size'];
    const division = size === undefined ? {} : { maxShardBytes: readSize(size) };
    const executable = locateWeights(context.environment.weightsExecutable);
    const scope = { ...effectScope(context, 'convert'), executable };
    const report = await convertWeights(
      {
        from,
        to,
        format,
        ...aliases,
        ...division,
        ...(options.root === undefined ? {} : { root: options.root }),
      },
      scope,
    );
    for (const notice of report.notices) context.print.note(notice);
    const text = `${report.tensors} tensors, ${formatBytes(report.bytes)}, ${report.files.length} files in ${to}`;
    context.print.result(report, text);
  },
});

function readSize(text: string): number {
  const bytes = parseShardSize(text);
  if (bytes !== undefined) return bytes;
  throw new BuildFailure('UsageInvalid', `--max-shard-size ${text} is no size`, {
    hint: 'Name a size such as 5GB or 500MB.',
  });
}

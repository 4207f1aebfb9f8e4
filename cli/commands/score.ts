import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import { rougeDialects } from '../../core/metrics/rouge/dialects/registry.ts';
import { scoreRouge, type RougeSample } from '../../core/metrics/rouge/score-rouge.ts';
import { rougeTokenizers } from '../../core/metrics/rouge/tokenizers.ts';
import { readUserText } from '../../system/files/read-write.ts';
import { defineCommand } from '../define-command.ts';
import { renderTextTable } from '../output/text-table.ts';

const Line = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  prediction: z.string(),
  reference: z.string(),
});

export const score = defineCommand({
  name: 'score',
  summary: 'Score predictions against references.',
  positionals: '',
  options: {
    predictions: {
      type: 'string',
      value: 'FILE.jsonl',
      description: 'Lines with `prediction` and `reference`, and `id` if they have one.',
    },
    metrics: { type: 'string', value: 'rouge', description: 'What to compute (default: rouge).' },
    dialect: {
      type: 'string',
      value: rougeDialects.map(({ id }) => id).join('|'),
      description: 'How ROUGE is computed (default: trtllm-summarize).',
    },
    tokenizer: {
      type: 'string',
      value: rougeTokenizers.map(({ id }) => id).join('|'),
      description: 'zh-char for Chinese (default: ascii-words).',
    },
  },
  async run({ options, print }) {
    if (options.predictions === undefined)
      throw new BuildFailure('UsageInvalid', 'score needs --predictions');
    if ((options.metrics ?? 'rouge') !== 'rouge')
      throw new BuildFailure('UsageInvalid', `there is no metric '${options.metrics}': only rouge`);
    const samples = await readPredictions(options.predictions);
    const { dialect, tokenizer } = options;
    const scored = scoreRouge(samples, {
      ...(dialect === undefined ? {} : { dialect }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
    });
    const rows = Object.entries(scored.metrics).map(([name, { mean, sd }]) => [
      name,
      mean.toFixed(2),
      sd === null ? '–' : sd.toFixed(2),
    ]);
    const table = renderTextTable({
      columns: ['metric', 'mean', 'sd'],
      rows,
      alignment: ['left', 'right', 'right'],
    });
    print.result(
      scored,
      `${table}\n\n${samples.length} samples, dialect ${scored.dialect}, tokenizer ${scored.tokenizer}`,
    );
  },
});

async function readPredictions(path: string): Promise<RougeSample[]> {
  const text = await readUserText(path, 'DatasetMissing');
  const lines = text.split('\n').map((line, index) => ({ line, place: `${path}:${index + 1}` }));
  return lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, place }, index) => {
      const { id, prediction, reference } = parseLine(line, place);
      return { id: String(id ?? index), prediction, reference };
    });
}

function parseLine(line: string, place: string): z.output<typeof Line> {
  try {
    const parsed = Line.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    throw new BuildFailure(
      'DatasetInvalid',
      `${place}: '${parsed.error.issues[0]?.path.join('.')}' is missing or no text`,
    );
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new BuildFailure('DatasetInvalid', `${place} is no JSON`, { cause: error });
    throw error;
  }
}

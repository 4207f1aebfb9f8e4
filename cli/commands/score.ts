import { z } from 'zod';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import { rougeDialects } from '../../core/metrics/rouge/dialects/registry.ts';
import {
  scoreRouge,
  type RougeResult,
  type RougeSample,
  type RougeSettings,
} from '../../core/metrics/rouge/score-rouge.ts';
import { rougeTokenizers } from '../../core/metrics/rouge/tokenizers.ts';
import { readUserText } from '../../system/files/read-write.ts';
import { choose } from '../choose.ts';
import { defineCommand } from '../define-command.ts';
import { renderTextTable } from '../output/text-table.ts';

const Line = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  prediction: z.string(),
  reference: z.string(),
});

const metrics = ['rouge'] as const;
const dialects = rougeDialects.map(({ id }) => id);
const tokenizers = rougeTokenizers.map(({ id }) => id);

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
    metrics: { type: 'string', value: metrics.join('|'), description: 'What to compute (default: rouge).' },
    dialect: {
      type: 'string',
      value: dialects.join('|'),
      description: 'How ROUGE is computed (default: trtllm-summarize).',
    },
    tokenizer: {
      type: 'string',
      value: tokenizers.join('|'),
      description: 'zh-char for Chinese (default: ascii-words).',
    },
  },
  async run({ options, print }) {
    if (options.predictions === undefined)
      throw new BuildFailure('UsageInvalid', 'score needs --predictions');
    choose('--metrics', options.metrics ?? 'rouge', metrics);
    const dialect = choose('--dialect', options.dialect ?? 'trtllm-summarize', dialects);
    const tokenizer = choose('--tokenizer', options.tokenizer ?? 'ascii-words', tokenizers);
    const samples = await readPredictions(options.predictions);
    const scored = scoreReadable(samples, { dialect, tokenizer });
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

/** Texts that a tokenizer cannot read make a recipe impossible; here there is none, and the file is what does not fit. */
function scoreReadable(samples: readonly RougeSample[], settings: RougeSettings): RougeResult {
  try {
    return scoreRouge(samples, settings);
  } catch (error) {
    if (!isBuildFailure(error) || error.name !== 'RecipeImpossible') throw error;
    throw new BuildFailure('DatasetInvalid', error.message, { hint: error.hint, cause: error });
  }
}

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

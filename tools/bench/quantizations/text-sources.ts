import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PerplexityScores } from '../../../core/domain/measurement.ts';
import { datasetFileName } from '../../../system/datasets/read-dataset.ts';
import type { QuantizationRecord } from './quantization-record.ts';
import { logLikelihoodChange } from './read-figure.ts';
import type { VariantRun } from './read-run.ts';

const Line = z.looseObject({ source: z.string() });

/** Where the text of each window is from, as the lines of a dataset tell; null where they do not, or have windows cut. */
export async function readSources(datasetFolder: string): Promise<string[] | null> {
  const content = await readFile(join(datasetFolder, datasetFileName), 'utf8');
  if (!content.trimStart().startsWith('{')) return null;
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  const parsed = lines.map((line) => Line.safeParse(JSON.parse(line)).data?.source);
  return parsed.every((source) => source !== undefined) ? parsed : null;
}

/** Changes of the mean ln p on the windows of each source by itself. The baseline comes first. */
export function recordSources(
  [baseline, ...candidates]: readonly VariantRun[],
  sources: readonly string[] | null,
): QuantizationRecord['sources'] {
  const reference = baseline?.scores.perplexity;
  if (reference === undefined || sources === null) return [];
  return [...new Set(sources.slice(0, reference.windows.length))].map((source) => {
    const part = (scores: PerplexityScores): PerplexityScores => ({
      ...scores,
      windows: scores.windows.filter((_, index) => sources[index] === source),
    });
    return {
      source,
      windows: part(reference).windows.length,
      changes: Object.fromEntries(
        candidates.flatMap(({ report, scores }) =>
          scores.perplexity === undefined
            ? []
            : [[report.name, logLikelihoodChange(part(scores.perplexity), part(reference))]],
        ),
      ),
    };
  });
}

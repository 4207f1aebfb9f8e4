import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { TextSource } from '../toolchains/contract.ts';

const Summary = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  document: z.string().min(1),
  reference: z.string().min(1),
});
const TextLine = z.object({ text: z.string().min(1) });

export interface SummaryPair {
  readonly id: string;
  readonly document: string;
  readonly reference: string;
}

/** The file inside a dataset artifact. */
export const datasetFileName = 'dataset';

/** JSON lines with `document` and `reference`. Throws DatasetInvalid naming the line, DatasetEmpty. */
export function parseSummaries(text: string, label: string): SummaryPair[] {
  const pairs = parseLines(text, label, Summary).map(({ id, document, reference }, index) => ({
    id: String(id ?? `sample-${index + 1}`),
    document,
    reference,
  }));
  const seen = new Set<string>();
  for (const { id } of pairs) {
    // Figures are paired between engines by id.
    if (seen.has(id))
      throw new BuildFailure('DatasetInvalid', `${label} has two samples with the id '${id}'`);
    seen.add(id);
  }
  return pairs;
}

/** Plain text runs on; JSON lines with `text` are one window each. Throws DatasetInvalid, DatasetEmpty. */
export function parseText(content: string, label: string): TextSource {
  if (content.trimStart().startsWith('{'))
    return { kind: 'texts', texts: parseLines(content, label, TextLine).map(({ text }) => text) };
  if (content.trim() === '') throw new BuildFailure('DatasetEmpty', `${label} holds no text`);
  return { kind: 'text', text: content };
}

function parseLines<T>(content: string, label: string, Line: z.ZodType<T>): T[] {
  const lines = content.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const filled = lines.filter(({ line }) => line !== '');
  if (filled.length === 0) throw new BuildFailure('DatasetEmpty', `${label} holds no sample`);
  return filled.map(({ line, number }) => parseLine(line, `${label}:${number}`, Line));
}

function parseLine<T>(line: string, place: string, Line: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BuildFailure('DatasetInvalid', `${place} is no JSON`, { cause: error });
  }
  const parsed = Line.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BuildFailure(
    'DatasetInvalid',
    `${place}: '${issue?.path.join('.')}' ${issue?.message.toLowerCase()}`,
  );
}

export async function readSummaries(folder: string): Promise<SummaryPair[]> {
  return parseSummaries(await readFile(join(folder, datasetFileName), 'utf8'), 'dataset');
}

export async function readText(folder: string): Promise<TextSource> {
  return parseText(await readFile(join(folder, datasetFileName), 'utf8'), 'dataset');
}

import type { JudgeFacts } from '../activities/judge/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import { escapeMarkdown } from './escape-markdown.ts';

/** The server keeps 20,000 bytes of details; the rest of a wide sweep is in the report. */
const maxVariants = 30;

/** Verdict, headline and figures of a judged run in Markdown, so that the UI alone tells what came of it. */
export function renderConclusion(
  { verdict, headline, table }: JudgeFacts,
  report: ArtifactRef<'report'>,
): string {
  const variants = table.rows.slice(0, maxVariants).map(([name = '', ...cells]) => {
    const figures = cells.map((cell, index) => `${table.columns[index + 1]} ${cell}`);
    return `- **${escapeMarkdown(name)}**: ${escapeMarkdown(figures.join(', '))}`;
  });
  return [
    `## ${verdict}`,
    '',
    escapeMarkdown(headline),
    '',
    ...variants,
    '',
    `The whole report: \`objects/${report.digest}/report.html\` in the store.`,
    '',
    '## Steps',
    '',
    '',
  ].join('\n');
}

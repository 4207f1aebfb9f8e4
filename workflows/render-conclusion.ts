import type { JudgeFacts } from '../activities/judge/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import { tableRow } from './table-row.ts';

/** The server keeps 20,000 bytes of details; the rest of a wide sweep is in the report. */
const maxRows = 40;

/** Verdict, headline and figures of a judged run in Markdown, so that the UI alone tells what came of it. */
export function renderConclusion(facts: JudgeFacts, report: ArtifactRef<'report'>): string {
  const { verdict, headline, table } = facts;
  return [
    `## ${verdict}`,
    '',
    headline,
    '',
    tableRow(table.columns),
    tableRow(table.columns.map(() => '---')),
    ...table.rows.slice(0, maxRows).map(tableRow),
    '',
    `The whole report: \`objects/${report.digest}/report.html\` in the store.`,
    '',
    '',
  ].join('\n');
}

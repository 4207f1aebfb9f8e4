import type { DemoRecord } from './demo-record.ts';
import { markdownTable } from './markdown-table.ts';

/** The figures of the recorded demo, and under them where they come from. */
export function resultTable({ table, machine, versions, runs, date, command, headline }: DemoRecord): string {
  const [first, second] = runs;
  const again =
    second === undefined
      ? ''
      : `, the second time ${second.seconds} s with ${second.steps.cached} steps cached`;
  return [
    markdownTable(table.columns, table.rows, table.alignment),
    '',
    headline,
    '',
    `Made by \`${command}\` on ${date.slice(0, 10)}: ${first?.seconds ?? 0} s for ${first?.steps.ran ?? 0} steps${again}. ` +
      `${machine.cores} cores of ${machine.processor}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}. Tokens/s and times are this machine's; the other figures are the model's.`,
  ].join('\n');
}

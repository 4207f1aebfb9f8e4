import type { Verdict } from '../domain/run-result.ts';
import type { Report, ReportVariant } from '../domain/report.ts';
import { formatFigure } from '../metrics/format-figure.ts';
import { describeMerge } from './describe-merge.ts';
import { describeProtocols } from './describe-protocol.ts';
import { findMetric, renderTable } from './render-table.ts';

const marks: { readonly [V in Verdict]: string } = {
  pass: '✅',
  fail: '❌',
  inconclusive: '❔',
  error: '⚠️',
};

/** GitHub-flavoured Markdown: verdict, table, gates, protocols and digests; texts of samples stay in the HTML. */
export function renderMarkdown(report: Report): string {
  const sections = [
    `# ${marks[report.verdict]} ${escape(report.recipe.name)}: ${report.verdict}`,
    escape(report.headline),
    renderRows(renderTable(report)),
    ...report.variants.flatMap(renderGates),
    renderNoiseFloor(report),
    [
      '## How it was measured',
      '',
      ...[...describeProtocols(report), ...describeMerge(report)].map((line) => `- ${escape(line)}`),
    ].join('\n'),
    renderProvenance(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function renderRows({ columns, rows, alignment }: ReturnType<typeof renderTable>): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;
  const rule = `| ${alignment.map((side) => (side === 'right' ? '---:' : ':---')).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

function renderGates({ name, gates, failure }: ReportVariant): string[] {
  if (failure !== null) return [`## ${escape(name)}\n\n⚠️ ${escape(`${failure.name}: ${failure.message}`)}`];
  if (gates.length === 0) return [];
  const lines = gates.map(
    ({ verdict, sentence }) => `- ${marks[verdict]} **${verdict}** ${escape(sentence)}`,
  );
  return [`## ${escape(name)}\n\n${lines.join('\n')}`];
}

function renderNoiseFloor({ noiseFloor, variants, baseline }: Report): string {
  const reference = variants.find(({ name }) => name === baseline);
  const floors = Object.entries(noiseFloor ?? {}).flatMap(([metric, floor]) => {
    const found = reference && findMetric(reference, metric);
    return found === undefined ? [] : [`${found.title} ${formatFigure(floor, found.unit)}`];
  });
  return floors.length === 0 ? '' : `Two runs of the baseline differ by: ${escape(floors.join(', '))}.`;
}

function renderProvenance({ variants, datasets, recipe, run }: Report): string {
  const rows = [
    ...(recipe.digest === undefined ? [] : [['recipe', recipe.digest]]),
    ...datasets.map(({ role, digest }) => [`dataset ${role}`, digest]),
    ...variants.flatMap(({ name, artifacts }) =>
      artifacts.map(({ role, digest }) => [`${name} ${role}`, digest]),
    ),
    ...(run === undefined ? [] : [['run', run.id]]),
  ];
  if (rows.length === 0) return '';
  const lines = rows.map(
    ([what = '', value = '']) => `| ${escape(what)} | \`${value.replaceAll(/[`|<>\s]/g, ' ')}\` |`,
  );
  return ['## Provenance', '', '| What | Digest |', '| :--- | :--- |', ...lines].join('\n');
}

/** Nothing from a recipe or a model may become markup. */
function escape(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|#~>]/g, String.raw`\$&`);
}

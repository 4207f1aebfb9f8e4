import type { Report, ReportMetric, ReportVariant } from '../../domain/report.ts';
import { formatChange, formatChangeRange, formatFigure } from '../../metrics/format-figure.ts';
import { findMetric } from '../render-table.ts';
import { markup, type Markup } from './escape-html.ts';
import { createScale, tickLabel, type LinearScale } from './linear-scale.ts';

const box = { width: 520, left: 124, right: 18, top: 10, row: 34, bottom: 40 };

interface Row {
  readonly variant: ReportVariant;
  readonly metric: ReportMetric;
  readonly change: NonNullable<ReportMetric['change']>;
}

/** Change of one metric against the baseline with its interval, a row a variant. Null when nothing changed hands. */
export function renderIntervalChart(report: Report, metricName: string): Markup | null {
  const rows = report.variants.flatMap((variant) => {
    const metric = findMetric(variant, metricName);
    return metric?.change ? [{ variant, metric, change: metric.change }] : [];
  });
  const [first] = rows;
  if (first === undefined) return null;
  const { title, better, unit } = first.metric;
  const limit = limitOf(report, first.metric);
  const noise = report.noiseFloor?.[metricName] ?? 0;
  const ends = rows.flatMap(({ change }) => [
    change.value,
    change.interval?.low ?? 0,
    change.interval?.high ?? 0,
  ]);
  const x = createScale(
    [0, noise, -noise, ...ends, ...(limit === null ? [] : [limit])],
    [box.left, box.width - box.right],
  );
  const height = box.top + rows.length * box.row + box.bottom;
  const notes = [
    `${better === 'higher' ? 'Right' : 'Left'} is better. Paired 95 % intervals.`,
    ...(limit === null ? [] : [`Dashed: the margin of ${formatFigure(Math.abs(limit), unit)}.`]),
    ...(noise === 0 ? [] : ['Grey: two runs of the baseline.']),
  ];
  const summary = rows.map(describeRow).join('; ');
  return markup`<figure class="card">
    <h3>Change of ${title}</h3>
    <figcaption>${notes.join(' ')}</figcaption>
    <svg
      viewBox="0 0 ${box.width} ${height}"
      role="img"
      aria-label="${`Change of ${title} against the baseline. ${summary}.`}"
    >
      ${renderAxis(x, { height, limit, noise })}
      <text class="axis" x="${(box.left + box.width - box.right) / 2}" y="${height - 5}" text-anchor="middle">
        Δ ${title} against ${report.baseline}
      </text>
      ${rows.map((row, i) => renderRow(row, { x, y: box.top + (i + 0.5) * box.row }))}
    </svg>
  </figure>`;
}

/** Where a non-inferiority margin lies on the axis. */
function limitOf({ gates }: Report, { metric, better }: ReportMetric): number | null {
  const gate = gates.find((entry) => entry.rule === 'non-inferior' && entry.metric === metric);
  if (gate === undefined) return null;
  return better === 'higher' ? -gate.bound : gate.bound;
}

function describeRow({ variant, metric, change }: Row): string {
  const range = change.interval === null ? '' : ` (${formatChangeRange(change.interval, metric.unit)})`;
  return `${variant.name} ${formatChange(change.value, metric.unit)}${range}`;
}

interface Frame {
  readonly height: number;
  readonly limit: number | null;
  readonly noise: number;
}

function renderAxis(x: LinearScale, { height, limit, noise }: Frame): Markup[] {
  const bottom = height - box.bottom;
  const line = (className: string, value: number): Markup =>
    markup`<line
      class="${className}"
      x1="${x.place(value)}"
      x2="${x.place(value)}"
      y1="${box.top}"
      y2="${bottom}"
    /> `;
  const band = markup`<rect
    class="noise"
    x="${x.place(-noise)}"
    width="${x.place(noise) - x.place(-noise)}"
    y="${box.top}"
    height="${bottom - box.top}"
  /> `;
  return [
    ...(noise === 0 ? [] : [band]),
    ...x.ticks.map((tick) => line('grid', tick)),
    line('zero', 0),
    ...(limit === null ? [] : [line('limit', limit)]),
    ...x.ticks.map(
      (tick) =>
        markup`<text class="axis" x="${x.place(tick)}" y="${bottom + 16}" text-anchor="middle"
          >${tickLabel(tick, x.ticks)}</text
        > `,
    ),
  ];
}

function renderRow(row: Row, { x, y }: { x: LinearScale; y: number }): Markup {
  const { variant, change } = row;
  const tone = variant.verdict;
  const whisker =
    change.interval === null
      ? null
      : markup`<line
          class="${`whisker tint-${tone}`}"
          x1="${x.place(change.interval.low)}"
          x2="${x.place(change.interval.high)}"
          y1="${y}"
          y2="${y}"
        />`;
  const name = Array.from(variant.name);
  const label = name.length > 16 ? `${name.slice(0, 15).join('')}…` : variant.name;
  return markup`<text class="name" x="${box.left - 12}" y="${y + 4}" text-anchor="end">${label}</text>
    ${whisker}<circle class="${`dot fill-${tone}`}" cx="${x.place(change.value)}" cy="${y}" r="6"
      ><title>${describeRow(row)}</title></circle
    > `;
}

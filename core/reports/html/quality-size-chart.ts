import type { ReportMetric, ReportVariant } from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { findMetric } from '../render-table.ts';
import { markup, type Markup } from './escape-html.ts';
import { createScale, tickLabel, type LinearScale } from './linear-scale.ts';
import { placeLabels } from './place-labels.ts';

const box = { width: 520, height: 320, left: 52, right: 16, top: 14, bottom: 42 };

interface Point {
  readonly variant: ReportVariant;
  readonly metric: ReportMetric;
  readonly bytes: number;
}

/** Quality against size, a point a variant with the interval of its figure. Null without two points to compare. */
export function renderQualitySizeChart(
  variants: readonly ReportVariant[],
  metricName: string,
): Markup | null {
  const points = variants.flatMap((variant) => {
    const metric = findMetric(variant, metricName);
    return metric === undefined || variant.bytes === null ? [] : [{ variant, metric, bytes: variant.bytes }];
  });
  const [first] = points;
  if (first === undefined || points.length < 2) return null;
  const { title, better } = first.metric;
  const unit = byteUnit(points);
  const axes = createAxes(points, unit.bytes);
  const summary = points.map(describePoint).join('; ');
  return markup`<figure class="card">
    <h3>${title} against size</h3>
    <figcaption>
      ${better === 'higher' ? 'Up' : 'Down'} and to the left is better. Whiskers: 95 % interval of the figure itself.
    </figcaption>
    <svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-label="${`${title} against size. ${summary}.`}">
      ${renderGrid(axes)} ${renderBaseline(points, axes)}
      <text class="axis" x="${(box.left + box.width - box.right) / 2}" y="${box.height - 6}" text-anchor="middle">Engine size (${unit.name})</text>
      ${points.map((point) => renderPoint(point, axes))} ${renderLabels(points, axes)}
    </svg>
  </figure>`;
}

interface Axes {
  readonly x: LinearScale;
  readonly y: LinearScale;
  readonly unitBytes: number;
}

function createAxes(points: readonly Point[], unitBytes: number): Axes {
  const values = points.flatMap(({ metric: { value, interval } }) => [
    value,
    interval?.low ?? value,
    interval?.high ?? value,
  ]);
  // Sizes start at zero, so that half the way is half the size.
  const sizes = [0, ...points.map(({ bytes }) => bytes / unitBytes)];
  return {
    x: createScale(sizes, [box.left, box.width - box.right]),
    y: createScale(values, [box.height - box.bottom, box.top]),
    unitBytes,
  };
}

function describePoint({ variant, metric, bytes }: Point): string {
  return `${variant.name} ${formatFigure(metric.value, metric.unit)} at ${formatFigure(bytes, 'bytes')}`;
}

function renderGrid({ x, y }: Axes): Markup[] {
  const bottom = box.height - box.bottom;
  return [
    ...y.ticks.map(
      (tick) =>
        markup`<line
            class="grid"
            x1="${box.left}"
            x2="${box.width - box.right}"
            y1="${y.place(tick)}"
            y2="${y.place(tick)}"
          />
          <text class="axis" x="${box.left - 8}" y="${y.place(tick) + 4}" text-anchor="end"
            >${tickLabel(tick, y.ticks)}</text
          > `,
    ),
    ...x.ticks.map(
      (tick) =>
        markup`<text class="axis" x="${x.place(tick)}" y="${bottom + 18}" text-anchor="middle"
          >${tickLabel(tick, x.ticks)}</text
        > `,
    ),
  ];
}

function renderBaseline(points: readonly Point[], { y }: Axes): Markup | null {
  const baseline = points.find(({ variant }) => variant.isBaseline);
  if (baseline === undefined) return null;
  const place = y.place(baseline.metric.value);
  return markup`<line
    class="tint-baseline"
    stroke-dasharray="2 4"
    x1="${box.left}"
    x2="${box.width - box.right}"
    y1="${place}"
    y2="${place}"
  />`;
}

function renderPoint(point: Point, { x, y, unitBytes }: Axes): Markup {
  const { variant, metric, bytes } = point;
  const tone = variant.isBaseline ? 'baseline' : variant.verdict;
  const column = x.place(bytes / unitBytes);
  const whisker =
    metric.interval &&
    markup`<line class="whisker tint-${tone}" x1="${column}" x2="${column}" y1="${y.place(metric.interval.low)}" y2="${y.place(metric.interval.high)}"/>`;
  return markup`${whisker}<circle class="dot fill-${tone}" cx="${column}" cy="${y.place(metric.value)}" r="6.5"><title>${describePoint(point)}</title></circle>
`;
}

function renderLabels(points: readonly Point[], { x, y, unitBytes }: Axes): Markup[] {
  const anchors = points.map(({ variant, metric, bytes }) => ({
    text: variant.name,
    x: x.place(bytes / unitBytes),
    y: y.place(metric.value),
  }));
  return placeLabels(anchors, box).map(
    (
      label,
    ) => markup`<text class="name" x="${label.x}" y="${label.y}" text-anchor="${label.anchor}">${label.text}</text>
`,
  );
}

function byteUnit(points: readonly Point[]): { bytes: number; name: string } {
  const most = points.reduce((largest, { bytes }) => Math.max(largest, bytes), 0);
  return most >= 1e9 ? { bytes: 1e9, name: 'GB' } : { bytes: 1e6, name: 'MB' };
}

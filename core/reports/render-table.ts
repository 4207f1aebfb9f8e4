import type { Report, ReportMetric, ReportVariant } from '../domain/report.ts';
import { formatChange, formatChangeRange, formatFigure } from '../metrics/format-figure.ts';

/** A table as plain texts; the terminal, Markdown and HTML give it its form. */
export interface ReportTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly alignment: readonly ('left' | 'right')[];
}

interface Column {
  readonly title: string;
  readonly alignment: 'left' | 'right';
  /** Null where the variant has no such figure. */
  readonly cell: (variant: ReportVariant) => string | null;
}

const none = '–';

/** One row a variant; columns nobody has a figure for are left out. */
export function renderTable(report: Report): ReportTable {
  const shown = columns.filter(({ cell }) => report.variants.some((variant) => cell(variant) !== null));
  return {
    columns: shown.map(({ title }) => title),
    rows: report.variants.map((variant) => shown.map(({ cell }) => cell(variant) ?? none)),
    alignment: shown.map(({ alignment }) => alignment),
  };
}

/** The figure of a metric, if the variant has it. */
export function findMetric(variant: ReportVariant, metric: string): ReportMetric | undefined {
  return variant.metrics.find((entry) => entry.metric === metric);
}

const columns: readonly Column[] = [
  {
    title: 'Variant',
    alignment: 'left',
    cell: ({ name, isBaseline }) => (isBaseline ? `${name} (baseline)` : name),
  },
  {
    title: 'Size',
    alignment: 'right',
    cell: ({ bytes }) => (bytes === null ? null : formatFigure(bytes, 'bytes')),
  },
  figureColumn('ROUGE-1', 'rouge1'),
  figureColumn('ROUGE-2', 'rouge2'),
  figureColumn('ROUGE-L', 'rougeL'),
  {
    title: 'Δ ROUGE-1 (95 %)',
    alignment: 'right',
    cell: (variant) => changeCell(findMetric(variant, 'rouge1')),
  },
  figureColumn('Perplexity', 'perplexity'),
  figureColumn('KL', 'divergence.kld.mean'),
  figureColumn('Top-1', 'divergence.top1'),
  { title: 'Tokens/s', alignment: 'right', cell: (variant) => speedCell(variant) },
  { title: 'Verdict', alignment: 'left', cell: ({ verdict }) => verdict },
];

function figureColumn(title: string, metric: string): Column {
  return {
    title,
    alignment: 'right',
    cell: (variant) => {
      const found = findMetric(variant, metric);
      return found === undefined ? null : formatFigure(found.value, found.unit);
    },
  };
}

function changeCell(metric: ReportMetric | undefined): string | null {
  if (!metric?.change) return null;
  const { value, interval, aboveNoise } = metric.change;
  const range = interval === null ? '' : ` (${formatChangeRange(interval, metric.unit)})`;
  return `${formatChange(value, metric.unit)}${range}${aboveNoise || value === 0 ? '' : ' ≈'}`;
}

function speedCell(variant: ReportVariant): string | null {
  const speed = findMetric(variant, 'benchmark.tokensPerSecond');
  return speed === undefined ? null : formatFigure(speed.value, speed.unit).replace(' tok/s', '');
}

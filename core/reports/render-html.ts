import type { Report } from '../domain/report.ts';
import { markup, Markup } from './html/escape-html.ts';
import { renderIntervalChart } from './html/interval-chart.ts';
import { renderProvenance } from './html/provenance.ts';
import { renderQualitySizeChart } from './html/quality-size-chart.ts';
import { styles } from './html/styles.ts';
import { renderSummaryTable } from './html/summary-table.ts';
import { renderVariant } from './html/variant-section.ts';
import { renderBadge } from './html/verdict-badge.ts';

/** One self-contained page: no scripts, no requests, light and dark, fit for paper. Same report, same bytes. */
export function renderHtml(report: Report): string {
  const charts = renderCharts(report);
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${report.recipe.name}: ${report.verdict}</title>
        <style>
          ${new Markup(styles)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <div class="title">
              <h1>${report.recipe.name}</h1>
              ${renderBadge(report.verdict)}
            </div>
            <p class="lead">${report.headline}</p>
          </header>
          <h2>Variants</h2>
          ${renderSummaryTable(report)}
          ${
            charts.length === 0
              ? null
              : markup`<h2>Quality, size and change</h2>
                  <div class="charts">${charts}</div>`
          }
          <h2>Gates and samples</h2>
          ${report.variants.map(renderVariant)} ${renderProvenance(report)}
        </main>
      </body>
    </html> `;
  return page.text;
}

function renderCharts(report: Report): Markup[] {
  const isMeasured = (name: string): boolean =>
    report.variants.some(({ metrics }) => metrics.some(({ metric }) => metric === name));
  const quality = ['rouge1', 'perplexity'].filter(isMeasured);
  const sizeCharts = quality.slice(0, 1).map((metric) => renderQualitySizeChart(report.variants, metric));
  const intervalCharts = quality.map((metric) => renderIntervalChart(report, metric));
  const columns = [sizeCharts, intervalCharts].map((charts) => charts.filter((chart) => chart !== null));
  return columns.filter((charts) => charts.length > 0).map((charts) => markup`<div>${charts}</div>`);
}

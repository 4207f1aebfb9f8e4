import type { Report, ReportVariant } from '../../domain/report.ts';
import { renderTable } from '../render-table.ts';
import { markup, type Markup } from './escape-html.ts';
import { renderBadge } from './verdict-badge.ts';

/** The terminal's table with the verdict moved to the front; ranges in brackets go under their figure. */
export function renderSummaryTable(report: Report): Markup {
  const { columns, rows, alignment } = renderTable(report);
  const side = (column: number): string => alignment[column] ?? 'left';
  return markup`<div class="card flush scroll" tabindex="0" role="region" aria-label="Variants">
    <table>
      <thead>
        <tr>
          ${verdictSecond(columns.map((title, i) => markup`<th scope="col" class="${side(i)}">${title}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${report.variants.map((variant, row) => renderRow(variant, rows[row] ?? [], side))}
      </tbody>
    </table>
  </div>`;
}

function renderRow(
  variant: ReportVariant,
  cells: readonly string[],
  side: (column: number) => string,
): Markup {
  const middle = cells
    .slice(1, -1)
    .map((cell, i) => markup`<td class="${side(i + 1)}">${renderCell(cell)}</td>`);
  const name = markup`<th scope="row">${cells[0] ?? ''}<span class="under">${variant.quantization}</span></th>`;
  const verdict = markup`<td>${renderBadge(variant.verdict)}</td>`;
  return markup`<tr class="${variant.isBaseline ? 'baseline' : 'other'}">
    ${verdictSecond([name, ...middle, verdict])}
  </tr> `;
}

/** On a narrow screen the last columns scroll out of sight; the verdict must not be among them. */
function verdictSecond(cells: readonly Markup[]): Markup[] {
  return [...cells.slice(0, 1), ...cells.slice(-1), ...cells.slice(1, -1)];
}

function renderCell(text: string): Markup {
  const [, figure = text, range] = /^(\S+) \(([^)]*)\)/.exec(text) ?? [];
  const note = text.endsWith('≈') ? ' ≈' : '';
  return range === undefined ? markup`${text}` : markup`${figure}${note}<span class="under">${range}</span>`;
}

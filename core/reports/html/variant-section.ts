import type {
  DegenerateText,
  ReportBenchmarkPoint,
  ReportVariant,
  WorstSample,
} from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { markup, type Markup } from './escape-html.ts';
import { renderBadge } from './verdict-badge.ts';

/** One variant in full: gates with their sentences, speed by concurrency, the samples that lost most. */
export function renderVariant(variant: ReportVariant): Markup {
  const { name, quantization, verdict, gates, failure, benchmark, worst, degenerate } = variant;
  return markup`<section class="card long">
    <div class="title">
      <h3>${name}</h3>
      ${renderBadge(verdict)}<span class="soft"
        >${quantization}${variant.isBaseline ? ', baseline' : ''}</span
      >
    </div>
    ${failure === null ? null : markup`<p class="lead"><strong>${failure.name}</strong>: ${failure.message}</p>`}
    ${
      gates.length === 0
        ? null
        : markup`<ul class="gates">
            ${gates.map(renderGate)}
          </ul>`
    }
    ${benchmark.length === 0 ? null : renderBenchmark(benchmark)}
    ${
      worst.length === 0
        ? null
        : markup`<details open>
            <summary>Samples that lost most against the baseline</summary>
            ${worst.map(renderWorst)}
          </details>`
    }
    ${
      degenerate.length === 0
        ? null
        : markup`<details open>
            <summary>Degenerate texts</summary>
            ${degenerate.map(renderDegenerate)}
          </details>`
    }
  </section> `;
}

function renderGate({ verdict, sentence, metric, rule, bound }: ReportVariant['gates'][number]): Markup {
  return markup`<li>
    <span>${renderBadge(verdict)}</span><span>${sentence} <code>${metric} ${rule} ${bound}</code></span>
  </li>`;
}

function renderBenchmark(points: readonly ReportBenchmarkPoint[]): Markup {
  const cell = (value: number | null): Markup =>
    markup`<td class="right">${value === null ? 'n too small' : formatFigure(value, 'ms')}</td>`;
  const heads = [
    'Requests',
    'Tokens/s',
    'First token p50',
    'p95',
    'Between tokens p50',
    'p95',
    'End to end p50',
    'p95',
  ];
  return markup`<details open>
    <summary>Speed</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Speed">
      <table>
        <thead>
          <tr>
            <th scope="col">Concurrency</th>
            ${heads.map((head) => markup`<th scope="col" class="right">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${points.map(
            (point) =>
              markup`<tr>
                <th scope="row">${point.concurrency}</th>
                <td class="right">${point.requests}</td>
                <td class="right">
                  ${formatFigure(point.outputTokensPerSecond, 'tokens/s').replace(' tok/s', '')}
                </td>
                ${[point.ttftMs, point.itlMs, point.latencyMs].map((row) => [cell(row?.p50 ?? null), cell(row?.p95 ?? null)])}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

function renderWorst({ id, reference, baseline, variant }: WorstSample): Markup {
  const shared = sharedStart(baseline.text, variant.text);
  const side = (title: string, { text, score }: WorstSample['baseline']): Markup =>
    markup`<div>
      <p class="small soft"><span>${title}</span><span>${formatFigure(score, 'percent')}</span></p>
      <p>${text.slice(0, shared)}<mark>${text.slice(shared)}</mark></p>
    </div>`;
  return markup`<div class="sample">
    <p class="small"><strong>${id}</strong></p>
    <div class="texts">
      <div>
        <p class="small soft"><span>Reference</span></p>
        <p>${reference}</p>
      </div>
      ${side('Baseline', baseline)}${side('This variant', variant)}
    </div>
  </div> `;
}

/** Length of the common start of two texts, cut back to the start of the first word that differs. */
function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  if (length === a.length && length === b.length) return length;
  const back = /[^\s\p{Script=Han}]*$/u.exec(a.slice(0, length))?.[0].length ?? 0;
  return length - back;
}

function renderDegenerate({ id, reason, text }: DegenerateText): Markup {
  const shown = text.length > 600 ? `${text.slice(0, 600)}…` : text;
  return markup`<div class="sample">
    <p class="small"><strong>${id}</strong> <span class="soft">${reason}</span></p>
    <div class="texts">
      <div><p>${shown}</p></div>
    </div>
  </div> `;
}

import type {
  DegenerateText,
  ReportBenchmarkPoint,
  ReportVariant,
  WorstSample,
} from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { markup, type Markup } from './escape-html.ts';
import { renderTensorErrors } from './tensor-errors.ts';
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
    ${variant.tensorErrors.length === 0 ? null : renderTensorErrors(variant.tensorErrors)}
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
  const [left, right] = splitShared(baseline.text, variant.text);
  const side = (title: string, score: number, text: Split): Markup =>
    markup`<div>
      <p class="small soft"><span>${title}</span><span>${formatFigure(score, 'percent')}</span></p>
      <p>${text.start}${text.own === '' ? null : markup`<mark>${text.own}</mark>`}${text.end}</p>
    </div>`;
  return markup`<div class="sample">
    <p class="small"><strong>${id}</strong></p>
    <div class="texts">
      <div>
        <p class="small soft"><span>Reference</span></p>
        <p>${reference}</p>
      </div>
      ${side('Baseline', baseline.score, left)}${side('This variant', variant.score, right)}
    </div>
  </div> `;
}

interface Split {
  readonly start: string;
  /** What only this text has. */
  readonly own: string;
  readonly end: string;
}

/** Two texts with their common start and end set apart, by words (Han characters one by one). */
function splitShared(a: string, b: string): [Split, Split] {
  const [left, right] = [splitWords(a), splitWords(b)];
  const shortest = Math.min(left.length, right.length);
  let start = 0;
  while (start < shortest && left[start] === right[start]) start++;
  let end = 0;
  while (end < shortest - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  return [cut(left, start, end), cut(right, start, end)];
}

function splitWords(text: string): readonly string[] {
  return text.match(/\p{Script=Han}|\s+|[^\s\p{Script=Han}]+/gu) ?? [];
}

function cut(words: readonly string[], start: number, end: number): Split {
  const last = words.length - end;
  return {
    start: words.slice(0, start).join(''),
    own: words.slice(start, last).join(''),
    end: words.slice(last).join(''),
  };
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

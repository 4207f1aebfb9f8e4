import { canonicalJson } from '../../domain/json.ts';
import type { Report } from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { describeMerge } from '../describe-merge.ts';
import { describeProtocols } from '../describe-protocol.ts';
import { markup, type Markup } from './escape-html.ts';

/** How the figures came about, and the digests by which everything can be found again. */
export function renderProvenance(report: Report): Markup {
  const { resamples, seed } = report.statistics;
  const statistics = `Intervals: 95 %, paired by sample or window; bootstrap with ${resamples} draws (seed ${seed}), below 60 units Student's t. Gates test at one-sided 5 % (90 % ranges in their sentences).`;
  return markup`<h2>How it was measured</h2>
    <div class="card">
      <ul class="notes small">
        ${[...describeProtocols(report), ...describeReported(report), ...describeMerge(report), statistics].map((line) => markup`<li>${line}</li>`)}
      </ul>
    </div>
    <h2>Provenance</h2>
    <div class="card flush scroll" tabindex="0" role="region" aria-label="Provenance">
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Digest or identity</th>
          </tr>
        </thead>
        <tbody>
          ${provenanceRows(report).map(
            ([what, value]) =>
              markup`<tr>
                <th scope="row" class="small">${what}</th>
                <td class="digest">${value}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>`;
}

/** What the dialect's own tool would print, for readers who compare with its output. */
function describeReported({ variants }: Report): string[] {
  const figures = variants.flatMap(({ name, metrics }) =>
    metrics.flatMap(({ metric, reported }) =>
      metric === 'rouge1' && reported !== undefined ? [`${name} ${formatFigure(reported, 'percent')}`] : [],
    ),
  );
  return figures.length === 0
    ? []
    : [`ROUGE-1 as the dialect's own tool would report it: ${figures.join(', ')}.`];
}

function provenanceRows({ recipe, datasets, variants, run }: Report): [string, string][] {
  return [
    ...(recipe.digest === undefined ? [] : [['Recipe', recipe.digest] satisfies [string, string]]),
    ...datasets.map(({ role, digest }): [string, string] => [`Dataset ${role}`, digest]),
    ...variants.flatMap(({ name, artifacts, toolchain }): [string, string][] => [
      ...artifacts.map(({ role, digest }): [string, string] => [`${name}: ${role}`, digest]),
      ...(toolchain === null
        ? []
        : [[`${name}: toolchain`, canonicalJson(toolchain)] satisfies [string, string]]),
    ]),
    ...(run === undefined ? [] : [['Run', describeRun(run)] satisfies [string, string]]),
  ];
}

function describeRun({ id, startedAt, finishedAt, facts }: NonNullable<Report['run']>): string {
  const times = [startedAt && `started ${startedAt}`, finishedAt && `finished ${finishedAt}`].filter(Boolean);
  return [id, ...times, ...(facts === undefined ? [] : [canonicalJson(facts)])].join(', ');
}

import { describe, expect, it } from 'vitest';
import type { Report, ReportVariant } from '../../../../core/domain/report.ts';
import { buildReport } from '../../../../core/reports/build-report.ts';
import { escapeMarkup, markup } from '../../../../core/reports/html/escape-html.ts';
import { createScale, tickLabel } from '../../../../core/reports/html/linear-scale.ts';
import { placeLabels } from '../../../../core/reports/html/place-labels.ts';
import { renderHtml } from '../../../../core/reports/render-html.ts';
import { renderJunit } from '../../../../core/reports/render-junit.ts';
import { renderMarkdown } from '../../../../core/reports/render-markdown.ts';
import { renderTable } from '../../../../core/reports/render-table.ts';
import { sampleInput } from './sample-input.ts';

const report = buildReport(sampleInput);
const hostile = '<script>alert("1")</script>&\'`|*\u0000\uD800';

/** The failing variant, whose section is the longest, under another name. */
function renamed(name: string): ReportVariant {
  const [, , variant] = report.variants;
  if (variant === undefined) throw new Error('the sample has no third variant');
  return { ...variant, name };
}

/** Every text a user or a model can put into a report, replaced by a hostile one. */
function poison<T>(value: T): T {
  const keep = new Set(['verdict', 'rule', 'metric', 'unit', 'better', 'method', 'baseline']);
  const walk = (node: unknown, key: string): unknown => {
    if (typeof node === 'string') return keep.has(key) ? node : hostile;
    if (Array.isArray(node)) return node.map((entry) => walk(entry, key));
    if (node === null || typeof node !== 'object') return node;
    return Object.fromEntries(Object.entries(node).map(([name, entry]) => [name, walk(entry, name)]));
  };
  return walk(value, '') as T;
}

describe('renderTable', () => {
  it('matches the kept table', () => {
    const { columns, rows, alignment } = renderTable(report);
    const widths = columns.map((title, i) =>
      Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
    );
    const pad = (text: string, i: number) =>
      alignment[i] === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);

    const lines = [columns, ...rows].map((row) => row.map(pad).join('  ').trimEnd());

    expect(lines.join('\n')).toMatchSnapshot();
  });

  it('leaves out columns that nobody has a figure for', () => {
    const { columns, rows, alignment } = renderTable(
      buildReport({ ...sampleInput, variants: sampleInput.variants.slice(3) }),
    );

    expect(columns).toEqual(['Variant', 'Verdict']);
    expect(rows).toEqual([['int3', 'error']]);
    expect(alignment).toEqual(['left', 'left']);
  });
});

describe('renderMarkdown', () => {
  it('matches the kept report', () => {
    expect(renderMarkdown(report)).toMatchSnapshot();
  });

  it('keeps hostile texts from becoming markup or breaking the table', () => {
    const text = renderMarkdown(poison(report));

    expect(text).not.toContain('<script');
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows.slice(0, 6))
      expect(row.match(/(?<!\\)\|/g)).toHaveLength(rows[0]?.match(/(?<!\\)\|/g)?.length ?? 0);
  });

  it('stays below the limit of a job summary with 50 variants', () => {
    const variants = Array.from({ length: 50 }, (_, i) => renamed(`variant-${i}`));

    expect(renderMarkdown({ ...report, variants }).length).toBeLessThan(64_000);
  });
});

describe('renderJunit', () => {
  it('matches the kept document', () => {
    expect(renderJunit(report)).toMatchSnapshot();
  });

  it('counts inconclusive as skipped, never as passed', () => {
    const [variant] = report.variants;
    const gates = [
      {
        metric: 'rouge1',
        rule: 'min',
        bound: 1,
        verdict: 'inconclusive',
        sentence: 'Too few.',
        value: null,
        interval: null,
      } as const,
    ];
    const one: Report = { ...report, variants: variant === undefined ? [] : [{ ...variant, gates }] };

    expect(renderJunit(one)).toContain('tests="1" failures="0" errors="0" skipped="1"');
    expect(renderJunit(one)).toContain('<skipped message="Too few."/>');
  });

  it('stays well-formed with hostile texts', () => {
    const text = renderJunit(poison(report));

    expectBalanced(text.replace(/^<\?xml[^>]*>/, ''));
    expect(text).not.toContain('<script');
    expect(text.includes('\u0000') || text.includes('\uD800')).toBe(false);
  });
});

describe('renderHtml', () => {
  const page = renderHtml(report);

  it('gives the same bytes for the same report', () => {
    expect(renderHtml(buildReport(sampleInput))).toBe(page);
    expect(renderHtml(JSON.parse(JSON.stringify(report)))).toBe(page);
  });

  it('asks for nothing from outside and runs nothing', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|https?:/i);
    expect(page).toContain("default-src 'none'");
  });

  it('shows verdicts, sentences, charts, texts and digests', () => {
    for (const sentence of report.variants.flatMap(({ gates }) => gates.map((gate) => gate.sentence))) {
      expect(page).toContain(escapeMarkup(sentence));
    }
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain('night &#60;build&#62;');
    expect(page).toContain('e'.repeat(64));
    expect(page).toContain('No kernel for 3 bit.');
    expect(page).toContain('dialect trtllm-summarize');
  });

  it('names every chart for those who cannot see it', () => {
    for (const [svg] of page.matchAll(/<svg[^>]*>/g)) expect(svg).toMatch(/role="img"\s+aria-label="[^"]+"/);
  });

  it('marks only what differs between baseline and variant', () => {
    const [, , variant] = report.variants;
    const sample = {
      id: 's',
      metric: 'rouge1',
      reference: 'r',
      baseline: { text: 'The cat sat 量化 here.', score: 2 },
      variant: { text: 'The dog sat 量子 here.', score: 1 },
    };
    const variants = variant === undefined ? [] : [{ ...variant, worst: [sample] }];

    const marked = renderHtml({ ...report, variants });

    expect(marked).toContain('<p>The <mark>cat sat 量化</mark> here.</p>');
    expect(marked).toContain('<p>The <mark>dog sat 量子</mark> here.</p>');
  });

  it('keeps hostile texts from becoming markup', () => {
    const poisoned = renderHtml(poison(report));

    expect(poisoned).not.toContain('<script');
    expect(poisoned.includes('\u0000') || poisoned.includes('\uD800')).toBe(false);
    expect(tagsOf(poisoned)).toEqual(tagsOf(page));
    expectBalanced(poisoned.replace('<!doctype html>', '').replaceAll(/<meta[^>]*>/g, ''));
  });

  it('renders a report without any figure', () => {
    const empty = buildReport({ recipe: { name: 'x' }, gates: [], baseline: 'a', variants: [] });

    expect(renderHtml(empty)).toContain('<h1>x</h1>');
    expect(renderHtml(empty)).not.toContain('NaN');
  });

  it('never prints NaN or undefined', () => {
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });
});

describe('markup', () => {
  it('escapes all but its own markup', () => {
    expect(markup`<p title="${'"'}">${['<', markup`<b>${'&'}</b>`]}${null}</p>`.text).toBe(
      '<p title="&#34;">&#60;<b>&#38;</b></p>',
    );
  });
});

describe('createScale', () => {
  it.each([
    [
      [0, 13.7],
      [0, 5, 10, 15],
    ],
    [
      [-7.28, 1.5],
      [-8, -6, -4, -2, 0, 2],
    ],
    [
      [0.001, 0.0042],
      [0.001, 0.002, 0.003, 0.004, 0.005],
    ],
  ])('puts round ticks around %j', (values, ticks) => {
    const scale = createScale(values, [0, 100]);

    scale.ticks.forEach((tick, i) => expect(tick).toBeCloseTo(ticks[i] ?? Number.NaN, 9));
    expect(scale.ticks).toHaveLength(ticks.length);
    expect([scale.place(ticks[0] ?? 0), scale.place(ticks.at(-1) ?? 0)]).toEqual([0, 100]);
  });

  it('makes room around a single value', () => {
    const { ticks, place } = createScale([5, 5], [0, 100]);

    expect(place(5)).toBeGreaterThan(0);
    expect(place(5)).toBeLessThan(100);
    expect(new Set(ticks.map((tick) => tickLabel(tick, ticks))).size).toBe(ticks.length);
  });
});

describe('placeLabels', () => {
  it('keeps labels of neighbouring points apart and inside', () => {
    const anchors = [0, 1, 2, 3].map((i) => ({ text: `variant-${i}`, x: 480 + i, y: 100 + 2 * i }));

    const labels = placeLabels(anchors, { width: 520, height: 300 });

    const rows = labels.map(({ y }) => y).toSorted((a, b) => a - b);
    rows.slice(1).forEach((y, i) => expect(y - (rows[i] ?? 0)).toBeGreaterThanOrEqual(12));
    expect(labels.every(({ anchor }) => anchor === 'end')).toBe(true);
  });
});

function tagsOf(text: string): Set<string> {
  return new Set(
    [...text.replaceAll(/<style>[\s\S]*?<\/style>/g, '').matchAll(/<([a-z!]+)/g)].map(([, tag = '']) => tag),
  );
}

/** Every element that opens also closes, in order. */
function expectBalanced(text: string): void {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, close, tag = '', self] of text.matchAll(/<(\/?)([a-zA-Z][\w-]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (self === '/') continue;
    if (close !== '/') open.push(tag);
    else if (open.pop() !== tag) wrong.push(tag);
  }
  expect([...open, ...wrong]).toEqual([]);
}

import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../core/domain/json.ts';
import { buildReport } from '../../../../core/reports/build-report.ts';
import { sampleInput } from './sample-input.ts';

const report = buildReport(sampleInput);
const [f16, int8, int4, int3] = report.variants;
const metric = (variant: typeof f16, name: string) => variant?.metrics.find((entry) => entry.metric === name);

describe('buildReport', () => {
  it('passes when a candidate passes and tells each verdict in the headline', () => {
    expect(report.variants.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'fail', 'error']);
    expect(report.verdict).toBe('pass');
    expect(report.headline).toMatch(
      /^f16 and int8 pass every gate\. int4 fails: ROUGE-1 changed by −5\.99 .* int3 could not be judged: No kernel/,
    );
  });

  it('gives every ROUGE its dialect and every perplexity its windows', () => {
    expect(metric(int8, 'rouge1')?.protocol).toMatchObject({
      dialect: 'trtllm-summarize',
      tokenizer: 'ascii-words',
    });
    expect(metric(int8, 'perplexity')?.protocol).toMatchObject({
      window: 512,
      stride: 512,
      textDigest: '0'.repeat(64),
    });
    expect(metric(int8, 'divergence.kld.mean')?.protocol).toMatchObject({ window: 512, support: 'full' });
  });

  it('shows the change against the baseline with its interval, and none for the baseline itself', () => {
    expect(metric(f16, 'rouge1')?.change).toBeNull();
    expect(metric(int4, 'rouge1')?.change?.value).toBeCloseTo(-6, 1);
    expect(metric(int4, 'rouge1')?.change?.interval).toMatchObject({
      confidence: 0.95,
      method: 'bootstrap-percentile',
      n: 80,
    });
    expect(metric(int4, 'divergence.kld.mean')?.change).toBeNull();
  });

  it('measures the noise floor when the baseline was run twice', () => {
    expect(report.noiseFloor?.['rouge1']).toBeCloseTo(0.05, 9);
    expect(metric(int8, 'rouge1')?.change?.aboveNoise).toBe(true);

    const { baselineRepeat: _, ...once } = sampleInput;
    expect(buildReport(once).noiseFloor).toBeNull();
  });

  it('keeps the samples that lost most, worst first', () => {
    const losses = int4?.worst.map(({ baseline, variant }) => baseline.score - variant.score) ?? [];

    expect(losses).toHaveLength(5);
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    expect(f16?.worst).toEqual([]);
  });

  it('adds metrics that only a gate names', () => {
    const gates = [{ metric: 'benchmark.latency.p50', rule: 'max', bound: 1000 }];

    const [variant] = buildReport({ ...sampleInput, gates }).variants;

    expect(metric(variant, 'benchmark.latency.p50')?.value).toBe(500);
  });

  it('carries a failure instead of gates', () => {
    expect(int3).toMatchObject({
      verdict: 'error',
      gates: [],
      bytes: null,
      failure: { name: 'RecipeImpossible' },
    });
  });

  it('calls it an error when the baseline is missing', () => {
    const variants = sampleInput.variants.filter(({ name }) => name === 'int8');

    expect(buildReport({ ...sampleInput, variants }).variants[0]?.gates[0]?.verdict).toBe('error');
  });

  it('says so when there are no gates', () => {
    const free = buildReport({ ...sampleInput, gates: [], variants: sampleInput.variants.slice(0, 2) });

    expect(free.verdict).toBe('pass');
    expect(free.headline).toBe('The recipe sets no gates, so the figures were not judged.');
  });

  it('gives the same bytes again, and differs from another run in `run` alone', () => {
    const { run: _, ...rest } = buildReport({
      ...sampleInput,
      run: { id: 'run-2', startedAt: '2027-01-01T00:00:00Z' },
    });
    const { run: __, ...first } = report;

    expect(canonicalJson(buildReport(sampleInput))).toBe(canonicalJson(report));
    expect(canonicalJson(rest)).toBe(canonicalJson(first));
  });

  it('survives JSON unchanged', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

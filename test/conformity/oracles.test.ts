import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { compareWithOracles, type OracleComparison } from '../../tools/oracles/compare-with-oracles.ts';

// The first samples only, paired with the oracle's figures for the very same ones; all of them: npm run oracles.
const summaries = 24;
const windows = 12;

describe('f16 engines of the sample', () => {
  let scratch: string;
  let comparisons: OracleComparison[];
  const of = (model: OracleComparison['model']): OracleComparison => {
    const found = comparisons.find((comparison) => comparison.model === model);
    if (found === undefined) throw new Error(`${model} was not compared`);
    return found;
  };

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'oracles-'));
    const sample = join(packageRoot(), 'examples', 'sample');
    const oracles = join(packageRoot(), 'test', 'fixtures', 'oracles');
    const scope = { signal: AbortSignal.timeout(220_000), onProgress: () => undefined };
    comparisons = await compareWithOracles({ sample, oracles, scratch, summaries, windows }, scope);
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it('have the perplexity of torch within 0.3 %', () => {
    for (const model of ['base', 'lora-summarise'] as const) {
      const { ours, oracle } = of(model).perplexity;

      expect(ours).toBeGreaterThan(0.997 * oracle);
      expect(ours).toBeLessThan(1.003 * oracle);
    }
  });

  it('summarise as well as torch: ROUGE-1 within 1.0 with the adapter, within 1.5 without', () => {
    const adapted = of('lora-summarise').rouge1;
    const base = of('base').rouge1;

    expectNear(adapted, 1.0);
    expectNear(base, 1.5);
    expect(adapted.ours).toBeGreaterThan(base.ours + 40);
  });
});

function expectNear({ ours, oracle }: OracleComparison['rouge1'], tolerance: number): void {
  expect(ours).toBeGreaterThan(oracle - tolerance);
  expect(ours).toBeLessThan(oracle + tolerance);
}

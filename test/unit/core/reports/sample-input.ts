import type { ReportInput, VariantInput } from '../../../../core/reports/build-report.ts';
import { divergenceOf, noise, protocol, summaryOf } from '../judging/scores-of.ts';

const base = noise(80, 1).map((value) => 40 + 20 * value);

function variant(name: string, shift: number, bytes: number): VariantInput {
  const wobble = noise(base.length, bytes);
  const nlls = noise(60, 3).map((value) => 320 + 30 * value - shift);
  return {
    name,
    quantization: `about ${shift}`,
    scores: {
      ...summaryOf(base.map((score, i) => score + shift + (shift === 0 ? 0 : 1.5) * (wobble[i] ?? 0))),
      perplexity: { protocol, windows: nlls.map((nll) => ({ tokens: 100, nll })) },
      ...(name === 'f16'
        ? {}
        : divergenceOf(noise(60, 4).map((value) => 0.01 * (1 - shift) * (1 + 0.2 * value)))),
      benchmark: {
        workload: { inputTokens: 8, outputTokens: 20 },
        points: [
          {
            concurrency: 1,
            requests: [
              {
                sentMs: 0,
                firstTokenMs: 20,
                lastTokenMs: 500,
                inputTokens: 8,
                outputTokens: 20,
                gapsMs: [25],
              },
            ],
          },
        ],
      },
      engineBytes: bytes,
    },
    ...(name === 'int4'
      ? {
          tensorErrors: [
            { name: 'a.q_proj', maxAbs: 0.012, relativeFrobenius: 0.0734, cosine: 0.9973, sqnr: 22.7 },
            { name: 'a.k_proj', maxAbs: 0, relativeFrobenius: 0, cosine: 1, sqnr: null },
          ],
        }
      : {}),
    artifacts: [{ role: 'engine', digest: 'e'.repeat(64) }],
    toolchain: { name: 'llama-cpp', version: '3.22.1' },
  };
}

/** A baseline, one variant that passes, one that fails, one that could not be built. */
export const sampleInput: ReportInput = {
  recipe: { name: 'night <build>', digest: 'a'.repeat(64) },
  gates: [
    { metric: 'rouge1', rule: 'non-inferior', bound: 1 },
    { metric: 'divergence.kld.mean', rule: 'max', bound: 0.05 },
  ],
  baseline: 'f16',
  variants: [
    variant('f16', 0, 13_700_000),
    variant('int8', -0.2, 7_400_000),
    variant('int4', -6, 4_100_000),
    {
      name: 'int3',
      quantization: '3 bit',
      scores: {},
      failure: { name: 'RecipeImpossible', message: 'No kernel for 3 bit.' },
    },
  ],
  baselineRepeat: summaryOf(base.map((score) => score + 0.05)),
  datasets: [{ role: 'summarize', digest: 'd'.repeat(64) }],
  mergeProof: { unproven: null, positions: 412, kldMean: 0.00012, kldMax: 0.004, top1: 0.9976 },
  run: { id: 'run-1', startedAt: '2026-11-22T02:30:00Z', finishedAt: '2026-11-22T02:40:00Z' },
};

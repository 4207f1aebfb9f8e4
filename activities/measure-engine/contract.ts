import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { BenchmarkPlan } from '../../core/domain/plan.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface MeasureEngineInput {
  readonly engine: ArtifactRef<'engine'>;
  readonly toolchain: string;
  readonly benchmark: BenchmarkPlan;
}

export const measureEngine = defineStep({
  name: 'measure-engine',
  version: 1,
  produces: 'measurement',
  worker: 'engine',
  startToCloseTimeout: '2 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'host' },
  key: ({ engine, toolchain, benchmark }: MeasureEngineInput) => ({
    inputs: { engine: engine.digest },
    parameters: { toolchain, ...benchmark },
  }),
  summary: ({ benchmark }) => describeBenchmark(benchmark),
});

/** A workload in words. */
export function describeBenchmark({ inputTokens, outputTokens, concurrency }: BenchmarkPlan): string {
  return `measure ${inputTokens}+${outputTokens} tokens at concurrency ${concurrency.join(', ')}`;
}

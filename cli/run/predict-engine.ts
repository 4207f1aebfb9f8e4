import { buildEngine } from '../../activities/build-engine/contract.ts';
import { captureStatistics, describeCalibration } from '../../activities/capture-statistics/contract.ts';
import { convertAdapter } from '../../activities/convert-adapter/contract.ts';
import { convertCheckpoint, describeCheckpoint } from '../../activities/convert-checkpoint/contract.ts';
import type { WeightsRef } from '../../activities/merge-adapters/contract.ts';
import { quantize } from '../../activities/quantize/contract.ts';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { Plan, VariantPlan } from '../../core/domain/plan.ts';
import { sourceLabel } from '../../core/domain/source-label.ts';
import type { Predictions } from './predictions.ts';

export interface VariantScene {
  readonly variant: VariantPlan;
  readonly merged: WeightsRef | ArtifactRef<'model'> | null;
  readonly adapters: readonly (WeightsRef | null)[];
}

export interface PredictedEngine {
  readonly engine: ArtifactRef<'engine'> | null;
  readonly quantized: ArtifactRef<'quantized'> | null;
}

/** The steps from the model to a variant's engine. */
export async function predictEngine(
  book: Predictions,
  plan: Plan,
  scene: VariantScene,
): Promise<PredictedEngine> {
  const { variant, merged } = scene;
  const { toolchain, name, label } = variant;
  const quantized = variant.quantize === null ? null : await predictQuantized(book, plan, scene);
  const model = variant.quantize === null ? merged : quantized;
  const described = variant.quantize === null ? null : label;
  const checkpoint = await predictCheckpoint(book, variant, { model, label: described });
  const adapters = await predictAdapters(book, plan, scene);
  const build = checkpoint &&
    adapters && { checkpoint, adapters, toolchain, parameters: variant.build, label };
  const built = await book.ask(buildEngine, build, { variant: name, summary: `build and verify: ${label}` });
  return { engine: built?.artifact ?? null, quantized };
}

async function predictQuantized(
  book: Predictions,
  plan: Plan,
  scene: VariantScene,
): Promise<ArtifactRef<'quantized'> | null> {
  const { merged, variant } = scene;
  const { label, quantize: ours } = variant;
  if (ours === null) return null;
  const statistics = ours.calibrated ? await predictStatistics(book, plan, scene) : null;
  const ready = merged !== null && (statistics !== null || !ours.calibrated);
  const input = ready ? { model: merged, statistics, parameters: ours.parameters, label } : null;
  const made = await book.ask(quantize, input, { summary: `quantize: ${label}` });
  return made?.artifact ?? null;
}

async function predictStatistics(
  book: Predictions,
  { calibration }: Plan,
  { variant, merged }: VariantScene,
): Promise<ArtifactRef<'statistics'> | null> {
  if (calibration === null) return null;
  const { toolchain } = variant;
  const checkpoint = await predictCheckpoint(book, variant, { model: merged, label: null });
  const input = checkpoint && merged && { checkpoint, model: merged, toolchain, calibration };
  const captured = await book.ask(captureStatistics, input, { summary: describeCalibration(calibration) });
  return captured?.artifact ?? null;
}

interface CheckpointScene {
  readonly model: WeightsRef | ArtifactRef<'model'> | ArtifactRef<'quantized'> | null;
  readonly label: string | null;
}

async function predictCheckpoint(
  book: Predictions,
  { toolchain, checkpoint: parameters }: VariantPlan,
  { model, label }: CheckpointScene,
): Promise<ArtifactRef<'checkpoint'> | null> {
  const made = await book.ask(convertCheckpoint, model && { model, toolchain, parameters, label }, {
    summary: describeCheckpoint({ toolchain, parameters, label }),
  });
  return made?.artifact ?? null;
}

async function predictAdapters(
  book: Predictions,
  plan: Plan,
  { variant: { toolchain }, merged, adapters }: VariantScene,
) {
  const made = [];
  for (const [index, { merge, weight, source }] of plan.adapters.entries()) {
    const adapter = adapters[index] ?? null;
    if (merge) continue;
    const label = sourceLabel(source);
    const input = adapter && merged && { adapter, base: merged, toolchain, label };
    const converted = await book.ask(convertAdapter, input, {
      summary: `write ${label} as a run-time adapter`,
    });
    if (converted === null) return null;
    made.push({ checkpoint: converted.artifact, weight });
  }
  return made;
}

import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { CalibrationPlan } from '../../core/domain/plan.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface CaptureStatisticsInput {
  /** In a floating-point type: what is looked at must not be rounded already. */
  readonly checkpoint: ArtifactRef<'checkpoint'>;
  /** The model the checkpoint was written from; gives the modules their names. */
  readonly model: ArtifactRef<'snapshot'> | ArtifactRef<'weights'> | ArtifactRef<'model'>;
  readonly toolchain: string;
  readonly calibration: CalibrationPlan;
}

export const captureStatistics = defineStep({
  name: 'capture-statistics',
  version: 1,
  produces: 'statistics',
  worker: 'engine',
  startToCloseTimeout: '12 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'cpu' },
  key: ({ checkpoint, model, toolchain, calibration }: CaptureStatisticsInput) => {
    const { dataset, ...settings } = calibration;
    return {
      inputs: { checkpoint: checkpoint.digest, model, dataset: dataset.digest },
      parameters: { toolchain, ...settings },
    };
  },
  summary: ({ calibration }) => describeCalibration(calibration),
});

/** A calibration in words. */
export function describeCalibration({ windows, window }: CalibrationPlan): string {
  return `calibrate: look at the activations of ${windows} windows of ${window} tokens`;
}

import { basename, join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { parseText } from '../../system/datasets/read-dataset.ts';
import { readUserText } from '../../system/files/read-write.ts';
import type { EngineToolchain } from '../../system/toolchains/contract.ts';
import { statisticsFile } from '../../system/weights/statistics-file.ts';
import { partOfScope, type WeightsScope } from '../../system/weights/weights-scope.ts';
import type { Calibration } from './choose-method.ts';

export interface CalibrationRequest {
  readonly modelFolder: string;
  readonly calibration: Calibration;
  /** For the checkpoint and the statistics; exists. */
  readonly folder: string;
}

/** As recipes spell it for methods of our own. */
const checkpoint = { type: 'f16' };
// Reading and rounding a model against running texts through it.
const convertingShare = 0.2;

/**
 * Looks at the activations of a model for calibration texts, the way a recipe's steps convert-checkpoint and
 * capture-statistics do. Returns the file of statistics. Throws DatasetMissing, DatasetEmpty, DatasetInvalid, and what
 * the toolchain throws.
 */
export async function calibrate(
  { modelFolder, calibration, folder }: CalibrationRequest,
  toolchain: EngineToolchain,
  scope: WeightsScope,
): Promise<string> {
  if (toolchain.captureStatistics === undefined)
    throw new BuildFailure('InternalError', `${toolchain.id} cannot look at activations`);
  const { file, ...windows } = calibration;
  const source = parseText(await readUserText(file, 'DatasetMissing'), basename(file));
  await toolchain.convertCheckpoint(
    { modelFolder, out: folder, parameters: checkpoint },
    partOfScope(scope, 0, convertingShare),
  );
  await toolchain.captureStatistics(
    { checkpointFolder: folder, modelFolder, source, ...windows, out: folder },
    partOfScope(scope, convertingShare, 1),
  );
  return join(folder, statisticsFile);
}

import { createBuildEngine } from './build-engine/activity.ts';
import { createCaptureStatistics } from './capture-statistics/activity.ts';
import { createCompareWeights } from './compare-weights/activity.ts';
import type { ActivitiesOf } from './contracts.ts';
import { createConvertAdapter } from './convert-adapter/activity.ts';
import { createConvertCheckpoint } from './convert-checkpoint/activity.ts';
import { createConvertWeights } from './convert-weights/activity.ts';
import { createFetchModel } from './fetch-model/activity.ts';
import { createJudge } from './judge/activity.ts';
import { createMeasureEngine } from './measure-engine/activity.ts';
import { createMergeAdapters } from './merge-adapters/activity.ts';
import { createPromote } from './promote/activity.ts';
import { createProveMerge } from './prove-merge/activity.ts';
import { createPublish } from './publish/activity.ts';
import { createQuantize } from './quantize/activity.ts';
import { createResolveSource } from './resolve-source/activity.ts';
import { createScoreEngine } from './score-engine/activity.ts';
import type { StepDeps } from './step-deps.ts';
import { createTryEngine } from './try-engine/activity.ts';

/** Steps of the `cpu` queue, by activity type. The compiler asks for each contract that names this worker. */
export function createCpuSteps(deps: StepDeps) {
  return {
    'resolve-source': createResolveSource(deps),
    'fetch-model': createFetchModel(deps),
    'convert-weights': createConvertWeights(deps),
    'compare-weights': createCompareWeights(deps),
    'merge-adapters': createMergeAdapters(deps),
    quantize: createQuantize(deps),
    judge: createJudge(deps),
    publish: createPublish(deps),
    promote: createPromote(deps),
  } satisfies ActivitiesOf<'cpu'>;
}

/** Steps of a toolchain's queue, by activity type. */
export function createEngineSteps(deps: StepDeps) {
  return {
    'prove-merge': createProveMerge(deps),
    'capture-statistics': createCaptureStatistics(deps),
    'convert-checkpoint': createConvertCheckpoint(deps),
    'convert-adapter': createConvertAdapter(deps),
    'build-engine': createBuildEngine(deps),
    'try-engine': createTryEngine(deps),
    'score-engine': createScoreEngine(deps),
    'measure-engine': createMeasureEngine(deps),
  } satisfies ActivitiesOf<'engine'>;
}

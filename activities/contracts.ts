import type { ArtifactKind } from '../core/domain/artifact.ts';
import type { StepContract, StepResult } from '../core/domain/step.ts';
import { buildEngine } from './build-engine/contract.ts';
import { captureStatistics } from './capture-statistics/contract.ts';
import { compareWeights } from './compare-weights/contract.ts';
import { convertAdapter } from './convert-adapter/contract.ts';
import { convertCheckpoint } from './convert-checkpoint/contract.ts';
import { convertWeights } from './convert-weights/contract.ts';
import { fetchModel } from './fetch-model/contract.ts';
import { judge } from './judge/contract.ts';
import { measureEngine } from './measure-engine/contract.ts';
import { mergeAdapters } from './merge-adapters/contract.ts';
import { promote } from './promote/contract.ts';
import { proveMerge } from './prove-merge/contract.ts';
import { publish } from './publish/contract.ts';
import { quantize } from './quantize/contract.ts';
import { resolveSource } from './resolve-source/contract.ts';
import { scoreEngine } from './score-engine/contract.ts';
import { tryEngine } from './try-engine/contract.ts';

/** Every cached step, in the order of the story. What a workflow may name and a worker must run follows from it. */
export const stepContracts = [
  resolveSource,
  fetchModel,
  convertWeights,
  compareWeights,
  mergeAdapters,
  proveMerge,
  captureStatistics,
  quantize,
  convertCheckpoint,
  convertAdapter,
  buildEngine,
  tryEngine,
  scoreEngine,
  measureEngine,
  judge,
  publish,
] as const;

/** Activities that change the world: never cached, so they have no key. */
export const actContracts = [promote] as const;

type Contract = (typeof stepContracts)[number] | (typeof actContracts)[number];

export type StepName = Contract['name'];

/** What a worker of a kind must run: each of its contracts, by name, and nothing else. */
export type ActivitiesOf<Worker extends Contract['worker']> = {
  readonly [C in Extract<Contract, { readonly worker: Worker }> as C['name']]: ActivityOf<C>;
};

type ActivityOf<C extends Contract> =
  C extends StepContract<string, infer Input, infer Kind extends ArtifactKind>
    ? (input: Input) => Promise<StepResult<Kind>>
    : (input: Parameters<C['summary']>[0]) => Promise<object>;

import { buildEngine } from '../../../activities/build-engine/contract.ts';
import { captureStatistics } from '../../../activities/capture-statistics/contract.ts';
import { compareWeights } from '../../../activities/compare-weights/contract.ts';
import { convertAdapter } from '../../../activities/convert-adapter/contract.ts';
import { convertCheckpoint } from '../../../activities/convert-checkpoint/contract.ts';
import { convertWeights } from '../../../activities/convert-weights/contract.ts';
import { fetchModel } from '../../../activities/fetch-model/contract.ts';
import { judge } from '../../../activities/judge/contract.ts';
import { measureEngine } from '../../../activities/measure-engine/contract.ts';
import { mergeAdapters } from '../../../activities/merge-adapters/contract.ts';
import { proveMerge } from '../../../activities/prove-merge/contract.ts';
import { publish } from '../../../activities/publish/contract.ts';
import { quantize } from '../../../activities/quantize/contract.ts';
import { resolveSource } from '../../../activities/resolve-source/contract.ts';
import { scoreEngine } from '../../../activities/score-engine/contract.ts';
import { tryEngine } from '../../../activities/try-engine/contract.ts';
import type { ArtifactKind, ArtifactRef, Digest } from '../../../core/domain/artifact.ts';
import type { StepContract } from '../../../core/domain/step.ts';

let count = 0;
export function ref<K extends ArtifactKind>(kind: K): ArtifactRef<K> {
  count += 1;
  return { kind, digest: count.toString(16).padStart(64, '0') as Digest, bytes: 1_000 };
}

export interface Case {
  readonly contract: StepContract<string, never, ArtifactKind>;
  readonly input: unknown;
  /** Members that only name things for people, or only say where they lie: dotted paths, `*` for any member. */
  readonly words: readonly string[];
}

function sample<Input, Kind extends ArtifactKind>(
  contract: StepContract<string, Input, Kind>,
  input: Input,
  words: readonly string[],
): Case {
  return { contract, input, words };
}

const hub = {
  kind: 'hub',
  repository: 'o/n',
  revision: 'main',
  endpoint: 'http://127.0.0.1:1',
  tokenVariable: 'HF_TOKEN',
} as const;
const outcome = {
  name: 'int4',
  label: '4 bit',
  toolchain: 'llama-cpp',
  quantized: ref('quantized'),
  engine: ref('engine'),
  trial: ref('trial'),
  scores: [ref('scores'), ref('scores')],
  measurement: ref('measurement'),
  failure: null,
};

/** An input of every step with all its members. */
export const cases: readonly Case[] = [
  sample(resolveSource, { source: { ...hub, files: { allow: ['*'], ignore: ['x'] } }, commit: 'abc' }, [
    'source.revision',
    'source.endpoint',
    'source.tokenVariable',
  ]),
  sample(fetchModel, { source: hub, listing: ref('listing') }, ['source.*']),
  sample(convertWeights, { snapshot: ref('snapshot'), format: 'safetensors', label: 'x' }, ['label']),
  sample(compareWeights, { before: ref('snapshot'), after: ref('weights'), label: 'x' }, ['label']),
  sample(
    mergeAdapters,
    {
      base: ref('weights'),
      baseName: 'org/base',
      rounding: 'once',
      newRows: 'refuse',
      anyBase: false,
      adapters: [
        { weights: ref('weights'), weight: 1, label: 'a' },
        { weights: ref('weights'), weight: 0.5, label: 'b' },
      ],
    },
    ['adapters.*.label'],
  ),
  sample(
    convertCheckpoint,
    { model: ref('model'), toolchain: 't', parameters: { type: 'f16', n: 1 }, label: 'x' },
    ['label'],
  ),
  sample(
    captureStatistics,
    {
      checkpoint: ref('checkpoint'),
      model: ref('model'),
      toolchain: 't',
      calibration: { dataset: ref('dataset'), window: 512, windows: 8, seed: 1 },
    },
    [],
  ),
  sample(
    quantize,
    {
      model: ref('model'),
      statistics: ref('statistics'),
      parameters: { method: 'gptq', bits: 4 },
      label: 'x',
    },
    ['label'],
  ),
  sample(
    proveMerge,
    {
      base: ref('weights'),
      adapters: [
        { weights: ref('weights'), weight: 1, label: 'a' },
        { weights: ref('weights'), weight: 0.5, label: 'b' },
      ],
      model: ref('model'),
      toolchain: 't',
      texts: ['one', 'two'],
    },
    ['adapters.*.label'],
  ),
  sample(convertAdapter, { adapter: ref('weights'), base: ref('model'), toolchain: 't', label: 'x' }, [
    'label',
  ]),
  sample(
    buildEngine,
    {
      checkpoint: ref('checkpoint'),
      adapters: [
        { checkpoint: ref('checkpoint'), weight: 1 },
        { checkpoint: ref('checkpoint'), weight: 2 },
      ],
      toolchain: 't',
      parameters: { type: 'Q4_0' },
      label: 'x',
    },
    ['label'],
  ),
  sample(
    tryEngine,
    {
      engine: ref('engine'),
      toolchain: 't',
      trial: {
        prompts: [
          { id: 'a', text: 'one' },
          { id: 'b', text: 'two' },
        ],
        maxNewTokens: 8,
      },
    },
    [],
  ),
  sample(
    scoreEngine,
    {
      engine: ref('engine'),
      baseline: ref('engine'),
      toolchain: 't',
      evaluation: {
        kind: 'summarize',
        dataset: ref('dataset'),
        samples: 4,
        maxNewTokens: 8,
        dialect: 'd',
        tokenizer: 'a',
        template: '{document}',
      },
    },
    [],
  ),
  sample(
    measureEngine,
    {
      engine: ref('engine'),
      toolchain: 't',
      benchmark: { inputTokens: 1, outputTokens: 2, concurrency: [1, 8], repeats: 3 },
    },
    [],
  ),
  sample(
    judge,
    {
      recipe: 'r',
      baseline: 'f16',
      variants: [
        outcome,
        { ...outcome, name: 'int8', engine: null, failure: { name: 'ToolFailed', message: 'm' } },
      ],
      gates: [{ metric: 'rouge1', rule: 'max', bound: 1 }],
      merged: ref('model'),
      proof: ref('proof'),
      sources: { model: { commit: 'c' } },
    },
    [],
  ),
  sample(
    publish,
    {
      report: ref('report'),
      engines: [
        { variant: 'a', engine: ref('engine') },
        { variant: 'b', engine: ref('engine') },
      ],
      choose: 'smallest',
      recipe: 'r',
      sources: { model: { commit: 'c' } },
    },
    [],
  ),
];

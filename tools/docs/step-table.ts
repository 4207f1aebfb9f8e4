import { buildEngine } from '../../activities/build-engine/contract.ts';
import { captureStatistics } from '../../activities/capture-statistics/contract.ts';
import { compareWeights } from '../../activities/compare-weights/contract.ts';
import { convertAdapter } from '../../activities/convert-adapter/contract.ts';
import { convertCheckpoint } from '../../activities/convert-checkpoint/contract.ts';
import { convertWeights } from '../../activities/convert-weights/contract.ts';
import { fetchModel } from '../../activities/fetch-model/contract.ts';
import { judge } from '../../activities/judge/contract.ts';
import { measureEngine } from '../../activities/measure-engine/contract.ts';
import { mergeAdapters } from '../../activities/merge-adapters/contract.ts';
import { proveMerge } from '../../activities/prove-merge/contract.ts';
import { publish } from '../../activities/publish/contract.ts';
import { quantize } from '../../activities/quantize/contract.ts';
import { resolveSource } from '../../activities/resolve-source/contract.ts';
import { scoreEngine } from '../../activities/score-engine/contract.ts';
import { tryEngine } from '../../activities/try-engine/contract.ts';
import { markdownTable } from './markdown-table.ts';

/** In the order of the story. Only `promote` is not here: it is never cached, so it has no key. */
const steps = [
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

/** Every cached step: what it makes, who runs it, and what its key covers besides inputs and parameters. */
export function stepTable(): string {
  return markdownTable(
    ['Step', 'Makes', 'Queue', 'Key also covers', 'One attempt', 'Stalled after'],
    steps.map(({ name, version, produces, worker, dependsOn, startToCloseTimeout, stallTimeoutMs }) => [
      `\`${name}\` v${version}`,
      produces,
      worker === 'cpu' ? '`cpu`' : "the toolchain's",
      [
        ...(dependsOn.toolchain ? ['toolchain'] : []),
        ...(dependsOn.machine === 'none' ? [] : [machines[dependsOn.machine]]),
      ].join(', ') || '–',
      startToCloseTimeout,
      `${stallTimeoutMs / 60_000} min`,
    ]),
  );
}

const machines = { cpu: 'instruction set', host: 'the very machine' } as const;

import { setImmediate as letEventsThrough } from 'node:timers/promises';
import { BuildFailure } from '../../../../core/domain/failures.ts';
import { MersenneTwister } from '../../../../core/metrics/statistics/mersenne-twister.ts';
import type { TokenWindow } from '../cut-windows.ts';
import { Engine } from '../engine.ts';
import { bindGramLibrary } from '../gram-library.ts';
import { InputWatch } from '../input-watch.ts';
import type { Params } from '../protocol.ts';
import { writeStatistics } from '../write-statistics.ts';
import type { Operation } from './operation.ts';
import { windowsOf } from './windows-of.ts';

/** Runs windows through a model and sums what its linear layers are given, as llama.cpp's own imatrix tool looks at it. */
export const capture: Operation<'capture'> = async (state, params, report) => {
  const watch = new InputWatch(state.library, bindGramLibrary(params.library), params.modules);
  try {
    const { file, threads, window } = params;
    const opening = { file, contextTokens: window, sequences: 1, threads, adapters: [] };
    const engine = await Engine.open(state.library, opening, watch.callback);
    try {
      const windows = chooseWindows(windowsOf(engine, params.source), params);
      let tokens = 0;
      for (const [index, cut] of windows.entries()) {
        tokens += readHere(engine, cut.slice(0, window), watch);
        report((index + 1) / windows.length, `${index + 1} of ${windows.length} windows`);
        await letEventsThrough();
      }
      if (tokens === 0) throw new BuildFailure('DatasetEmpty', 'the calibration texts hold no token');
      const bytes = await writeStatistics(params.to, watch.captured(), {
        tokens,
        partial: state.partialFiles,
      });
      return { tokens, windows: windows.length, inputs: watch.captured().sums.size, bytes };
    } finally {
      engine.close();
    }
  } finally {
    watch.free();
  }
};

/** The first of a shuffle by the seed, in their old order: neighbours of a running text stay apart. */
function chooseWindows(
  all: readonly TokenWindow[],
  { windows, seed }: Pick<Params<'capture'>, 'windows' | 'seed'>,
): (readonly number[])[] {
  const twister = new MersenneTwister(seed);
  const order = all.map((_, index) => index);
  for (let last = order.length - 1; last > 0; last--) {
    const other = twister.below(last + 1);
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  const chosen = order.slice(0, windows).toSorted((a, b) => a - b);
  return chosen.map((index) => all[index]?.tokens ?? []);
}

function readHere(engine: Engine, tokens: readonly number[], watch: InputWatch): number {
  engine.forgetAll();
  for (let from = 0; from < tokens.length; from += engine.batch.capacity) {
    const part = tokens.slice(from, from + engine.batch.capacity);
    engine.batch.clear();
    // Outputs everywhere: llama.cpp drops the other positions before the last layer's linears.
    part.forEach((token, index) =>
      engine.batch.add(token, { position: from + index, sequence: 0, output: 1 }),
    );
    watch.beginGraph();
    engine.decodeHere();
    watch.rethrow();
  }
  return tokens.length;
}

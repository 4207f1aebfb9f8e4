// Run by bench/quantizations.ts as a process of its own, because llama.cpp logs thousands of lines to stderr.
import { json } from 'node:stream/consumers';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sum } from '../../../core/metrics/statistics/mean.ts';
import { bindLibrary, widenNativeStacks } from '../../../system/toolchains/llama-cpp/bind-library.ts';
import type { TokenWindow } from '../../../system/toolchains/llama-cpp/cut-windows.ts';
import { defaultThreads } from '../../../system/toolchains/llama-cpp/default-threads.ts';
import { Engine } from '../../../system/toolchains/llama-cpp/engine.ts';
import { readEngineCard } from '../../../system/toolchains/llama-cpp/engine-folder.ts';
import { locateLibraries } from '../../../system/toolchains/llama-cpp/locate-libraries.ts';
import { windowsOf } from '../../../system/toolchains/llama-cpp/ops/windows-of.ts';
import { readWindow } from '../../../system/toolchains/llama-cpp/read-window.ts';
import {
  addRow,
  type CertaintyAnswer,
  CertaintyRequest,
  emptyWindow,
  type WindowCertainty,
} from './certainty-window.ts';

const temperatures = Array.from({ length: 11 }, (_, tenths) => 1 + tenths / 10);
/** The loss is flat around its minimum: every tenth window finds it. */
const searchEvery = 10;

const { engines, source } = CertaintyRequest.parse(await json(process.stdin));
widenNativeStacks();
const library = bindLibrary(locateLibraries({}));
const temperature = await findTemperature(engines[0] ?? '');
const measured: WindowCertainty[][] = [];
for (const folder of engines) {
  const windows = await measure(folder, { temperatures: [temperature], every: 1 });
  measured.push(windows.flat());
}
process.stdout.write(JSON.stringify({ temperature, engines: measured } satisfies CertaintyAnswer));

/** The temperature, of those tried, at which the baseline's loss is smallest. */
async function findTemperature(folder: string): Promise<number> {
  const windows = await measure(folder, { temperatures, every: searchEvery });
  const losses = temperatures.map((_, index) =>
    sum(windows.map((window) => window[index]?.temperedNll ?? 0)),
  );
  return temperatures[losses.indexOf(Math.min(...losses))] ?? 1;
}

interface Measuring {
  readonly temperatures: readonly number[];
  /** Which windows: one in so many. */
  readonly every: number;
}

/** For each window, what it is at each of the temperatures. */
async function measure(folder: string, { temperatures, every }: Measuring): Promise<WindowCertainty[][]> {
  const card = await readEngineCard(folder);
  const engine = await Engine.open(library, {
    file: join(folder, card.file),
    contextTokens: card.contextTokens,
    sequences: 1,
    threads: defaultThreads(availableParallelism()),
    adapters: [],
  });
  const windows = windowsOf(engine, source).filter((_, index) => index % every === 0);
  const measured = [];
  for (const window of windows) measured.push(await measureWindow(engine, window, temperatures));
  engine.close();
  return measured;
}

async function measureWindow(
  engine: Engine,
  { tokens, scoreFrom }: TokenWindow,
  temperatures: readonly number[],
): Promise<WindowCertainty[]> {
  const size = engine.vocabularySize;
  const measured = temperatures.map((temperature) => ({ temperature, window: emptyWindow() }));
  await readWindow([engine], tokens, ([logits = new Float32Array(0)], from) => {
    const end = Math.min(from + logits.length / size, tokens.length - 1);
    for (let position = Math.max(from, scoreFrom - 1); position < end; position++) {
      const row = logits.subarray((position - from) * size, (position - from + 1) * size);
      const target = tokens[position + 1] ?? 0;
      for (const { window, temperature } of measured) addRow(window, row, { target, temperature });
    }
  });
  return measured.map(({ window }) => window);
}

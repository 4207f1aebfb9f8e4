// Run by bench/quantizations.ts as a process of its own, because llama.cpp logs thousands of lines to stderr.
import { json } from 'node:stream/consumers';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
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
const [baseline = ''] = engines;
const temperature = await findTemperature(baseline);
const measured: WindowCertainty[][] = [];
for (const folder of engines) measured.push(await measure(folder, { temperature, every: 1 }));
process.stdout.write(JSON.stringify({ temperature, engines: measured } satisfies CertaintyAnswer));

/** The temperature, of those tried, at which the baseline's loss is smallest. */
async function findTemperature(folder: string): Promise<number> {
  const losses: { readonly temperature: number; readonly loss: number }[] = [];
  for (const temperature of temperatures) {
    const windows = await measure(folder, { temperature, every: searchEvery });
    losses.push({ temperature, loss: windows.reduce((total, { temperedNll }) => total + temperedNll, 0) });
  }
  return losses.reduce((best, next) => (next.loss < best.loss ? next : best)).temperature;
}

async function measure(
  folder: string,
  { temperature, every }: { readonly temperature: number; readonly every: number },
): Promise<WindowCertainty[]> {
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
  for (const window of windows) measured.push(await measureWindow(engine, window, temperature));
  engine.close();
  return measured;
}

async function measureWindow(
  engine: Engine,
  { tokens, scoreFrom }: TokenWindow,
  temperature: number,
): Promise<WindowCertainty> {
  const size = engine.vocabularySize;
  const window = emptyWindow();
  await readWindow([engine], tokens, ([logits = new Float32Array(0)], from) => {
    const end = Math.min(from + logits.length / size, tokens.length - 1);
    for (let position = Math.max(from, scoreFrom - 1); position < end; position++) {
      const row = logits.subarray((position - from) * size, (position - from + 1) * size);
      addRow(window, row, { target: tokens[position + 1] ?? 0, temperature });
    }
  });
  return window;
}

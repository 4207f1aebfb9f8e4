import { BuildFailure } from '../../../../core/domain/failures.ts';
import { digestWindows, type TokenWindow } from '../cut-windows.ts';
import type { Engine } from '../engine.ts';
import { logSumExp } from '../logits-math.ts';
import { readWindow } from '../read-window.ts';
import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';
import { windowsOf } from './windows-of.ts';

/** −ln p of every scored token given all tokens before it in its window; sums in float64. */
export const perplexity: Operation<'perplexity'> = async (state, { engine: handle, source }, report) => {
  const engine = findEngine(state, handle);
  const windows = windowsOf(engine, source);
  const scores = [];
  for (const window of windows) {
    scores.push(await scoreWindow(engine, window));
    report(scores.length / windows.length, `${scores.length} of ${windows.length} windows`);
  }
  return { windows: scores, windowsSha256: digestWindows(windows) };
};

async function scoreWindow(engine: Engine, { tokens, scoreFrom }: TokenWindow) {
  const size = engine.vocabularySize;
  let nll = 0;
  await readWindow([engine], tokens, ([logits = new Float32Array(0)], from) => {
    const end = Math.min(from + logits.length / size, tokens.length - 1);
    for (let position = Math.max(from, scoreFrom - 1); position < end; position++) {
      const offset = (position - from) * size;
      nll += logSumExp(logits, offset, size) - (logits[offset + (tokens[position + 1] as number)] as number);
    }
  });
  if (!Number.isFinite(nll))
    throw new BuildFailure('EngineInvalid', `${engine.file} gives logits that are not finite`);
  return { tokens: Math.max(0, tokens.length - scoreFrom), nll };
}

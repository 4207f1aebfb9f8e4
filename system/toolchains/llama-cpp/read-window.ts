import { BuildFailure } from '../../../core/domain/failures.ts';
import type { Engine } from './engine.ts';

/** Logits of one decode are kept below this many bytes, whatever the size of the vocabulary. */
const logitsLimitBytes = 256 << 20;

/**
 * Lets one or two engines read the same tokens from an empty cache, piece by piece. For each piece `visit` gets every
 * engine's logits, float32 [positions, vocabulary], as views that live until it returns, and the index of the first
 * position. The pieces depend on the vocabulary alone, so engines of one model are always compared with equal pieces.
 */
export async function readWindow(
  engines: readonly Engine[],
  tokens: readonly number[],
  visit: (logits: readonly Float32Array[], from: number) => void,
): Promise<void> {
  for (const engine of engines) {
    checkWindow(engine, tokens);
    engine.forgetAll();
  }
  const piece = pieceTokens(engines);
  for (let from = 0; from < tokens.length; from += piece) {
    const part = tokens.slice(from, from + piece);
    const logits: Float32Array[] = [];
    for (const engine of engines) {
      engine.batch.clear();
      part.forEach((token, index) =>
        engine.batch.add(token, { position: from + index, sequence: 0, output: 1 }),
      );
      logits.push(await engine.decode());
    }
    visit(logits, from);
  }
}

function pieceTokens(engines: readonly Engine[]): number {
  const sizes = engines.map(({ batch, vocabularySize }) =>
    Math.min(batch.capacity, Math.max(1, Math.floor(logitsLimitBytes / (4 * vocabularySize)))),
  );
  return Math.min(...sizes);
}

function checkWindow(engine: Engine, tokens: readonly number[]): void {
  if (tokens.length > engine.contextTokens) {
    throw new BuildFailure(
      'ToolFailed',
      `a window of ${tokens.length} tokens exceeds the context of ${engine.contextTokens}`,
    );
  }
  const foreign = tokens.find((token) => token >= engine.vocabularySize);
  if (foreign !== undefined) {
    throw new BuildFailure(
      'ToolFailed',
      `token ${foreign} is outside the vocabulary of ${engine.vocabularySize}`,
    );
  }
}

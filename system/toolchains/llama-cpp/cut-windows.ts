import { createHash } from 'node:crypto';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { WindowSource } from './protocol.ts';

/** Tokens to read, and from which of them on the model's prediction counts (index ≥ 1: the first has no past). */
export interface TokenWindow {
  readonly tokens: readonly number[];
  readonly scoreFrom: number;
}

export interface WindowTokenizer {
  /** With the special tokens the model wants around a text. */
  readonly whole: (text: string) => readonly number[];
  /** Text tokens only. */
  readonly bare: (text: string) => readonly number[];
  /** Put in front of each window of a running text; null when the model wants none. */
  readonly bos: number | null;
}

/** Windows as the protocol describes them. Throws DatasetEmpty when the text is shorter than one window. */
export function cutWindows(source: WindowSource, tokenizer: WindowTokenizer): TokenWindow[] {
  if (source.kind === 'tokens') return source.windows.map((tokens) => ({ tokens, scoreFrom: 1 }));
  if (source.kind === 'texts')
    return source.texts.map((text) => ({ tokens: tokenizer.whole(text), scoreFrom: 1 }));
  const windows = slideOver(tokenizer.bare(source.text), source, tokenizer.bos);
  if (windows.length > 0) return windows;
  throw new BuildFailure('DatasetEmpty', `the text is shorter than one window of ${source.window} tokens`);
}

interface Slide {
  readonly window: number;
  readonly stride?: number | undefined;
  readonly maxWindows?: number | undefined;
}

function slideOver(tokens: readonly number[], slide: Slide, bos: number | null): TokenWindow[] {
  const head = bos === null ? [] : [bos];
  const room = slide.window - head.length;
  const stride = Math.min(slide.stride ?? room, room);
  const windows: TokenWindow[] = [];
  for (let start = 0; start + room <= tokens.length; start += stride) {
    if (windows.length === slide.maxWindows) break;
    const seen = start === 0 ? 0 : room - stride;
    windows.push({
      tokens: [...head, ...tokens.slice(start, start + room)],
      scoreFrom: Math.max(1, head.length + seen),
    });
  }
  return windows;
}

/** sha256 of the windows' ids as little-endian int32, -1 between windows. */
export function digestWindows(windows: readonly TokenWindow[]): string {
  const hash = createHash('sha256');
  for (const { tokens } of windows) {
    const bytes = Buffer.alloc(4 * (tokens.length + 1), 0xff);
    tokens.forEach((token, index) => bytes.writeInt32LE(token, 4 * index));
    hash.update(bytes);
  }
  return hash.digest('hex');
}

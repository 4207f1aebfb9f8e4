import { cutWindows, type TokenWindow } from '../cut-windows.ts';
import type { Engine } from '../engine.ts';
import type { WindowSource } from '../protocol.ts';

/** A source cut into windows with an engine's own tokenizer. */
export function windowsOf(engine: Engine, source: WindowSource): TokenWindow[] {
  const { bos, addBos } = engine.facts();
  return cutWindows(source, {
    whole: (text) => engine.codec.tokenize(text, { addSpecial: true, parseSpecial: true }),
    bare: (text) => engine.codec.tokenize(text, { addSpecial: false, parseSpecial: true }),
    bos: addBos && bos >= 0 ? bos : null,
  });
}

import type { Protocol, WindowProtocol } from '../../domain/measurement.ts';

/** The protocol as plain JSON, absent members left out. */
export function describeWindows({ window, stride, textDigest, ...rest }: WindowProtocol): Protocol {
  return {
    window,
    stride,
    textDigest,
    ...(rest.tokenizerDigest !== undefined && { tokenizerDigest: rest.tokenizerDigest }),
    ...(rest.textBytes !== undefined && { textBytes: rest.textBytes }),
  };
}

/** Names of windows for pairing: their place in the text. */
export function nameWindows(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `window ${i}`);
}

import { z } from 'zod';
import { argmax } from '../../../system/toolchains/llama-cpp/logits-math.ts';

/** What bench/quantizations.ts asks of certainty.ts: engine folders, the baseline first, and what they read. */
export const CertaintyRequest = z.strictObject({
  engines: z.array(z.string()).min(1),
  source: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('texts'), texts: z.array(z.string()) }),
    z.strictObject({ kind: z.literal('text'), text: z.string(), window: z.int(), maxWindows: z.int() }),
  ]),
});
export type CertaintyRequest = z.output<typeof CertaintyRequest>;

const WindowCertainty = z.strictObject({
  tokens: z.int(),
  /** Sums over the scored tokens. */
  nll: z.number(),
  temperedNll: z.number(),
  entropy: z.number(),
  firstChoice: z.number(),
  right: z.int(),
});
export type WindowCertainty = z.output<typeof WindowCertainty>;

export const CertaintyAnswer = z.strictObject({
  temperature: z.number(),
  /** In the order of the request. */
  engines: z.array(z.array(WindowCertainty)),
});
export type CertaintyAnswer = z.output<typeof CertaintyAnswer>;

export function emptyWindow(): WindowCertainty {
  return { tokens: 0, nll: 0, temperedNll: 0, entropy: 0, firstChoice: 0, right: 0 };
}

/**
 * Adds one position's logits to the sums. With a the logits less the largest and Z = Σ eᵃ: −ln p = ln Z − a(target),
 * the entropy is ln Z − Σ a eᵃ / Z, and the first choice has the probability 1 / Z.
 */
export function addRow(
  window: WindowCertainty,
  logits: Float32Array,
  { target, temperature }: { readonly target: number; readonly temperature: number },
): void {
  const first = argmax(logits, 0, logits.length);
  const top = logits[first] ?? Number.NaN;
  let total = 0;
  let weighted = 0;
  let tempered = 0;
  for (const logit of logits) {
    const a = logit - top;
    const weight = Math.exp(a);
    total += weight;
    weighted += weight * a;
    tempered += Math.exp(a / temperature);
  }
  const known = (logits[target] ?? Number.NaN) - top;
  window.tokens += 1;
  window.nll += Math.log(total) - known;
  window.temperedNll += Math.log(tempered) - known / temperature;
  window.entropy += Math.log(total) - weighted / total;
  window.firstChoice += 1 / total;
  window.right += Number(first === target);
}

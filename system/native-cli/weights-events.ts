import { z } from 'zod';
import { type Digest, isDigest } from '../../core/domain/artifact.ts';
import type { WeightsEvent } from '../../core/domain/weights-plan.ts';

const Bytes = z.int().nonnegative();
const Sha256 = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));

const Event = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('progress'),
    doneBytes: Bytes,
    totalBytes: Bytes,
    name: z.string().optional(),
  }),
  z.strictObject({ event: z.literal('output'), path: z.string(), bytes: Bytes, sha256: Sha256 }),
  z.strictObject({
    event: z.literal('quantized'),
    name: z.string(),
    maxAbs: z.number(),
    relativeFrobenius: z.number(),
    cosine: z.number(),
    sqnr: z.number().nullable(),
  }),
  z.strictObject({
    event: z.literal('solved'),
    name: z.string(),
    roundedError: z.number(),
    error: z.number(),
  }),
  z.strictObject({ event: z.literal('digest'), name: z.string(), sha256: Sha256 }),
  z.strictObject({
    event: z.literal('error'),
    name: z.string(),
    message: z.string(),
    tensor: z.string().optional(),
  }),
]);

/** A WeightsEvent whose digests have been looked at. */
export type ParsedWeightsEvent = z.infer<typeof Event>;
type Kind = WeightsEvent['event'];

/** One line of the executable's stdout, or undefined if it is not an event of the protocol. */
export function parseWeightsEvent(line: string): ParsedWeightsEvent | undefined {
  try {
    return Event.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The events of one kind, in order. */
export function eventsOf<K extends Kind>(events: readonly ParsedWeightsEvent[], kind: K) {
  return events.filter((event): event is Extract<ParsedWeightsEvent, { event: K }> => event.event === kind);
}

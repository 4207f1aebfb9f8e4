import type { Engine } from './engine.ts';
import { argmax } from './logits-math.ts';

/** One text being written: reads `prompt`, then gets one token at a time until it says it is done. */
export interface Writer {
  readonly prompt: readonly number[];
  /** Takes the next token; false ends the sequence. */
  readonly take: (token: number) => boolean;
}

interface Slot {
  readonly sequence: number;
  readonly writer: Writer;
  /** Tokens the engine has not read yet. */
  pending: readonly number[];
  /** How many it has. */
  position: number;
  /** Row of this step's logits, or -1 while the prompt is still being read. */
  row: number;
}

/**
 * Greedy decoding of many texts, up to `parallel` at once; a finished one makes room for the next. Every decode holds
 * first one token of each text that is being written, then as much of the waiting prompts as fits.
 *
 * Numerics: with `parallel` 1 a text depends on its prompt alone. With more, llama.cpp multiplies matrices where it
 * would multiply vectors, which moves a logit by about 0.005 (float16 model of 7 M parameters); the token changes
 * only where the two best are closer than that.
 */
export async function writeTexts(engine: Engine, writers: Iterable<Writer>, parallel: number): Promise<void> {
  engine.forgetAll();
  const waiting = writers[Symbol.iterator]();
  const free = Array.from({ length: parallel }, (_, index) => parallel - 1 - index);
  let active: Slot[] = [];
  for (;;) {
    admit(active, free, waiting);
    if (active.length === 0) return;
    fillBatch(engine, active);
    const logits = await engine.decode();
    active = active.filter((slot) => {
      if (slot.row < 0) return true;
      const token = argmax(logits, slot.row * engine.vocabularySize, engine.vocabularySize);
      slot.pending = [token];
      if (slot.writer.take(token)) return true;
      engine.forgetSequence(slot.sequence);
      free.push(slot.sequence);
      return false;
    });
  }
}

function admit(active: Slot[], free: number[], waiting: Iterator<Writer>): void {
  while (free.length > 0) {
    const next = waiting.next();
    if (next.done === true) return;
    const sequence = free.pop() as number;
    active.push({ sequence, writer: next.value, pending: next.value.prompt, position: 0, row: -1 });
  }
}

function fillBatch(engine: Engine, active: readonly Slot[]): void {
  const { batch } = engine;
  batch.clear();
  const written = active.filter((slot) => slot.pending.length === 1);
  const prompted = active.filter((slot) => slot.pending.length > 1);
  for (const slot of [...written, ...prompted]) feed(slot, batch);
}

function feed(slot: Slot, batch: Engine['batch']): void {
  const length = Math.min(slot.pending.length, batch.capacity - batch.size);
  const completes = length > 0 && length === slot.pending.length;
  slot.row = completes ? batch.outputs : -1;
  for (let index = 0; index < length; index++) {
    const output = completes && index === length - 1 ? 1 : 0;
    batch.add(slot.pending[index] as number, { position: slot.position++, sequence: slot.sequence, output });
  }
  slot.pending = slot.pending.slice(length);
}

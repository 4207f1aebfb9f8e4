import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BuildFailure } from '../../../core/domain/failures.ts';

const EngineCard = z.strictObject({
  toolchain: z.literal('llama-cpp'),
  /** GGUF with the weights, beside the card. */
  file: z.string(),
  fileType: z.string(),
  contextTokens: z.int().positive(),
  /** Run-time adapters as GGUF, applied together. */
  adapters: z.array(z.strictObject({ file: z.string(), scale: z.number() })),
});

/** `engine.json`: everything needed to open the engine that is not in its GGUF. */
export type EngineCard = z.output<typeof EngineCard>;

export const engineFile = 'engine.gguf';
export const checkpointFile = 'model.gguf';
export const adapterFile = 'adapter.gguf';
const cardFile = 'engine.json';

export function writeEngineCard(folder: string, card: EngineCard): Promise<void> {
  return writeFile(join(folder, cardFile), `${JSON.stringify(card, null, 2)}\n`);
}

/** Throws EngineInvalid when the folder is no engine of this toolchain. */
export async function readEngineCard(folder: string): Promise<EngineCard> {
  const text = await readFile(join(folder, cardFile), 'utf8').catch(() => null);
  const parsed = text === null ? null : EngineCard.safeParse(JSON.parse(text));
  if (parsed?.success === true) return parsed.data;
  throw new BuildFailure('EngineInvalid', `${folder} holds no llama-cpp engine`);
}

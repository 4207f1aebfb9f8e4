import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelConfig, type ModelConfigFacts } from '../../core/formats/model-config.ts';
import { isCompanion } from '../../core/formats/weight-files.ts';

/** Names of the regular files beside a folder's weights: config, tokenizer, generation settings, licence. */
export async function listCompanions(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(isCompanion).sort();
  const files = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).isFile()));
  return names.filter((_, index) => files[index]);
}

/** Facts of a folder's `config.json`; a folder without one (an adapter, a bare file) ties nothing. */
export async function readConfigFacts(folder: string): Promise<ModelConfigFacts> {
  const file = join(folder, 'config.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined
    ? { vocabularySize: undefined, tiesWordEmbeddings: false }
    : readModelConfig(text, file);
}

/** A JSON file's value, or undefined when there is none or it is malformed. */
export async function readJson(file: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return value;
  } catch {
    return undefined;
  }
}

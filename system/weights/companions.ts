import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { parseBoundedJson } from '../../core/formats/bounded-json.ts';
import { noConfigFacts, readModelConfig, type ModelConfigFacts } from '../../core/formats/model-config.ts';
import { isCompanion } from '../../core/formats/weight-files.ts';
import { readSmallText } from './small-text.ts';

/** Names of the regular files beside a folder's weights: config, tokenizer, generation settings, licence. */
export async function listCompanions(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(isCompanion).sort();
  const files = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).isFile()));
  return names.filter((_, index) => files[index]);
}

/** Facts of a folder's `config.json`; a folder without one (an adapter, a bare file) has none. */
export async function readConfigFacts(folder: string): Promise<ModelConfigFacts> {
  const file = join(folder, 'config.json');
  const text = await readSmallText(file).catch((error: unknown) => {
    if (isBuildFailure(error) && error.name === 'WeightsMissing') return undefined;
    throw error;
  });
  return text === undefined ? noConfigFacts : readModelConfig(text, file);
}

/** A JSON file's value, or undefined when there is none or it is malformed. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return parseBoundedJson(await readSmallText(file));
  } catch {
    return undefined;
  }
}

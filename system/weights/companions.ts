import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { parseBoundedJson } from '../../core/formats/bounded-json.ts';
import { noConfigFacts, readModelConfig, type ModelConfigFacts } from '../../core/formats/model-config.ts';
import { isCompanion } from '../../core/formats/weight-files.ts';
import { unreadable } from '../files/unreadable.ts';
import { readSmallText } from './small-text.ts';

/**
 * Names of the regular files beside a folder's weights: config, tokenizer, generation settings, licence. A link that leads
 * nowhere is WeightsMissing: a model without its tokenizer would only be noticed when it is loaded.
 */
export async function listCompanions(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(isCompanion).sort();
  const files = await Promise.all(names.map((name) => isRegularFile(join(folder, name))));
  return names.filter((_, index) => files[index]);
}

async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw unreadable('WeightsMissing', path, error);
  }
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

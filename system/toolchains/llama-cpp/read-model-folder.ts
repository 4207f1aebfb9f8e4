import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { Json } from '../../../core/domain/json.ts';
import { textMember } from '../../../core/formats/tokenizer/json-members.ts';
import type { TokenizerFiles } from '../../../core/formats/tokenizer/vocabulary.ts';
import { errorCode } from '../../files/atomic-write.ts';

/** config.json of a model folder. Missing is SnapshotEmpty, damaged is WeightsCorrupt. */
export async function readModelConfig(folder: string): Promise<Json> {
  const config = await readJson(folder, 'config.json');
  if (config === undefined) throw new BuildFailure('SnapshotEmpty', `${folder} has no config.json`);
  return config;
}

/** The tokenizer files a model folder in Hugging Face layout has; those it has not are left out. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const sentencePiece = await readOptional(join(folder, 'tokenizer.model'));
  const chatTemplate =
    (await readOptional(join(folder, 'chat_template.jinja')))?.toString('utf8') ??
    textMember(await readJson(folder, 'chat_template.json'), 'chat_template');
  return present({
    tokenizer: await readJson(folder, 'tokenizer.json'),
    config: await readJson(folder, 'tokenizer_config.json'),
    addedTokens: await readJson(folder, 'added_tokens.json'),
    chatTemplate,
    sentencePiece,
  });
}

/** A JSON file of a folder, or undefined when it is not there. */
export async function readJson(folder: string, name: string): Promise<Json | undefined> {
  const bytes = await readOptional(join(folder, name));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch (cause) {
    throw new BuildFailure('WeightsCorrupt', `${name} is not valid JSON`, { cause, details: { folder } });
  }
}

async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import { parseSentencePieceModel } from '../../core/formats/tokenizer/sentencepiece-model.ts';
import type { TokenizerFacts } from '../../core/formats/tokenizer-difference.ts';
import { layerTokenizers, type LayeredFiles } from '../../core/formats/tokenizer-layers.ts';
import {
  bringsVocabulary,
  findConflict,
  isTokenizerFile,
  isVocabularyPart,
  readVocabulary,
  rowsNeeded,
  vocabularyOfLines,
  vocabularyOfPieces,
  type TokenTexts,
} from '../../core/formats/tokenizer-vocabulary.ts';
import { listCompanions, readJson } from './companions.ts';
import { readSmallText } from './small-text.ts';

export interface TokenizerChoice {
  readonly origin: 'base' | 'adapter';
  /** Each tokenizer file of the merged model, and the folder it is taken from. */
  readonly files: LayeredFiles;
  /** Rows the embedding needs; 0 when the base's vocabulary was kept or cannot be read. */
  readonly rowsNeeded: number;
  readonly warnings: readonly string[];
}

interface AdapterFolder {
  readonly folder: string;
  readonly label: string;
}

/**
 * The last adapter that brings a vocabulary decides about it, and each settings file is the last adapter's that brings it.
 * Adapters whose vocabularies give one id two meanings are AdapterMismatch: no merged model can serve both.
 */
export async function chooseTokenizer(
  base: string,
  adapters: readonly AdapterFolder[],
): Promise<TokenizerChoice> {
  let files: LayeredFiles = new Map((await tokenizerFilesOf(base)).map((name) => [name, base]));
  const warnings: string[] = [];
  let known: { label: string; vocabulary: TokenTexts } | undefined;
  for (const { folder, label } of adapters) {
    const names = await tokenizerFilesOf(folder);
    const own = new Map(names.map((name) => [name, folder]));
    const before = await vocabularyOf(files);
    files = layerTokenizers(files, own, await factsOf(own));
    if (!bringsVocabulary(names)) {
      warnings.push(...(await describeLost({ own, label }, before)));
      continue;
    }
    const vocabulary = await vocabularyOf(own);
    if (vocabulary === undefined)
      warnings.push(
        `${label}: the vocabulary in ${names.join(', ')} cannot be read, so its rows are not checked`,
      );
    refuseConflict(known, { label, vocabulary: vocabulary ?? new Map() });
    known = { label, vocabulary: vocabulary ?? new Map() };
  }
  const origin = [...files.values()].some((folder) => folder !== base) ? 'adapter' : 'base';
  const isBrought = [...files].some(([name, folder]) => folder !== base && isVocabularyPart(name));
  const needed = isBrought ? rowsNeeded((await vocabularyOf(files)) ?? new Map()) : 0;
  return { origin, files, rowsNeeded: needed, warnings };
}

async function tokenizerFilesOf(folder: string): Promise<string[]> {
  return (await listCompanions(folder)).filter(isTokenizerFile);
}

interface KnownVocabulary {
  readonly label: string;
  readonly vocabulary: TokenTexts;
}

function refuseConflict(known: KnownVocabulary | undefined, next: KnownVocabulary): void {
  const conflict = known === undefined ? undefined : findConflict(known.vocabulary, next.vocabulary);
  if (conflict === undefined || next.vocabulary.size === 0) return;
  throw new BuildFailure(
    'AdapterMismatch',
    `The tokenizers of ${known?.label} and ${next.label} disagree about token ${conflict}`,
  );
}

/** added_tokens.json beside a tokenizer.json is read by nobody, and without a vocabulary it cannot be put into one. */
async function describeLost(
  { own, label }: { own: LayeredFiles; label: string },
  vocabulary: TokenTexts | undefined,
): Promise<string[]> {
  const added = await vocabularyOf(own);
  const lost = [...(added ?? [])]
    .filter(([id, text]) => vocabulary?.get(id) !== text)
    .map(([, text]) => text);
  if (lost.length === 0) return [];
  return [
    `${label} brings added_tokens.json without a vocabulary: the merged model's tokenizer may not know ${lost.slice(0, 5).join(', ')}`,
  ];
}

/** A tokenizer as far as it is compared. */
export async function factsOf(files: LayeredFiles): Promise<TokenizerFacts> {
  const template = pathOf(files, 'chat_template.jinja');
  return {
    vocabulary: (await vocabularyOf(files)) ?? new Map(),
    config: await jsonOf(files, 'tokenizer_config.json'),
    template: template === undefined ? undefined : await readSmallText(template),
    templateFile: await jsonOf(files, 'chat_template.json'),
  };
}

function pathOf(files: LayeredFiles, name: string): string | undefined {
  const folder = files.get(name);
  return folder === undefined ? undefined : join(folder, name);
}

async function jsonOf(files: LayeredFiles, name: string): Promise<unknown> {
  const path = pathOf(files, name);
  return path === undefined ? undefined : readJson(path);
}

/** Undefined when there are files of a vocabulary, but none that can be read. */
async function vocabularyOf(files: LayeredFiles): Promise<TokenTexts | undefined> {
  const tokenizer = (await jsonOf(files, 'tokenizer.json')) ?? (await otherVocabularyOf(files));
  if (tokenizer === undefined && bringsVocabulary([...files.keys()])) return undefined;
  return readVocabulary(tokenizer, await jsonOf(files, 'added_tokens.json'));
}

/** The older forms, as the part of a tokenizer.json they would be. */
async function otherVocabularyOf(files: LayeredFiles): Promise<unknown> {
  const model = [...files.keys()].find((name) => name.endsWith('.model'));
  const pieces = model === undefined ? undefined : await piecesOf(join(files.get(model) ?? '', model));
  const json = await jsonOf(files, 'vocab.json');
  const lines = pathOf(files, 'vocab.txt');
  if (pieces !== undefined) return pieces;
  if (json !== undefined) return { model: { vocab: json } };
  return lines === undefined ? undefined : vocabularyOfLines(await readSmallText(lines));
}

async function piecesOf(path: string): Promise<unknown> {
  try {
    return vocabularyOfPieces(parseSentencePieceModel(await readFile(path)).pieces);
  } catch (error) {
    // Some models keep another format under this ending; the caller says that it was not read.
    if (isBuildFailure(error) && error.name === 'TokenizerUnsupported') return undefined;
    throw error;
  }
}

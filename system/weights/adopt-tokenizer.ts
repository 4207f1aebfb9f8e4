import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import {
  bringsVocabulary,
  findConflict,
  isTokenizerFile,
  readVocabulary,
  rowsNeeded,
} from '../../core/formats/tokenizer-vocabulary.ts';
import { listCompanions, readJson } from './companions.ts';

export interface TokenizerChoice {
  readonly origin: 'base' | 'adapter';
  /** The folder whose tokenizer files are taken, and their names. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Rows the embedding needs; 0 when the vocabulary is in a form that is not read here. */
  readonly rowsNeeded: number;
}

/**
 * The last adapter that brings a tokenizer of its own decides, with all its files. Adapters whose tokenizers give one
 * id two meanings are AdapterMismatch: no merged model can serve both.
 */
export async function chooseTokenizer(base: string, adapters: readonly string[]): Promise<TokenizerChoice> {
  let choice = await describe(base, 'base');
  let known: { folder: string; vocabulary: Map<number, string> } | undefined;
  for (const folder of adapters) {
    const next = await describe(folder, 'adapter');
    if (!bringsVocabulary(next.files)) continue;
    const vocabulary = await vocabularyOf(folder);
    const conflict = known === undefined ? undefined : findConflict(known.vocabulary, vocabulary);
    if (conflict !== undefined) {
      throw new BuildFailure(
        'AdapterMismatch',
        `The tokenizers of ${known?.folder} and ${folder} disagree about token ${conflict}`,
      );
    }
    known = { folder, vocabulary };
    choice = next;
  }
  return { ...choice, rowsNeeded: rowsNeeded(known?.vocabulary ?? new Map()) };
}

async function describe(folder: string, origin: TokenizerChoice['origin']): Promise<TokenizerChoice> {
  return { origin, folder, files: (await listCompanions(folder)).filter(isTokenizerFile), rowsNeeded: 0 };
}

async function vocabularyOf(folder: string): Promise<Map<number, string>> {
  return readVocabulary(
    await readJson(join(folder, 'tokenizer.json')),
    await readJson(join(folder, 'added_tokens.json')),
  );
}

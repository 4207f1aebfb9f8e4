import { join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { TokenizerDifference } from '../../core/domain/merge-report.ts';
import {
  compareTokenizers,
  endsElsewhere,
  type TokenizerFacts,
} from '../../core/formats/tokenizer-difference.ts';
import {
  bringsVocabulary,
  findConflict,
  isTokenizerFile,
  readVocabulary,
  rowsNeeded,
} from '../../core/formats/tokenizer-vocabulary.ts';
import { listCompanions, readJson } from './companions.ts';
import { readSmallText } from './small-text.ts';

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

export interface ReportedDifference {
  /** Null when the base's tokenizer was kept. */
  readonly difference: TokenizerDifference | null;
  readonly warnings: readonly string[];
}

/** What the chosen tokenizer changes against the base's, and whether the generation settings still fit it. */
export async function differenceOf(choice: TokenizerChoice, base: string): Promise<ReportedDifference> {
  if (choice.origin === 'base') return { difference: null, warnings: [] };
  const chosen = await factsOf(choice.folder);
  const elsewhere = endsElsewhere(await readJson(join(base, 'generation_config.json')), chosen);
  return {
    difference: compareTokenizers(await factsOf(base), chosen),
    warnings: elsewhere === undefined ? [] : [elsewhere],
  };
}

async function factsOf(folder: string): Promise<TokenizerFacts> {
  return {
    vocabulary: await vocabularyOf(folder),
    config: await readJson(join(folder, 'tokenizer_config.json')),
    template: await readSmallText(join(folder, 'chat_template.jinja')).catch(() => undefined),
  };
}

async function vocabularyOf(folder: string): Promise<Map<number, string>> {
  return readVocabulary(
    await readJson(join(folder, 'tokenizer.json')),
    await readJson(join(folder, 'added_tokens.json')),
  );
}

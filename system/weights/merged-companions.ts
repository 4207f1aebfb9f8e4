import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenizerDifference } from '../../core/domain/merge-report.ts';
import { changeModelConfig } from '../../core/formats/model-config.ts';
import type { MergePlan } from '../../core/formats/peft/plan-merge.ts';
import { movedTokens, moveTokenIds, type MovedToken } from '../../core/formats/special-token-ids.ts';
import { compareTokenizers, endsElsewhere } from '../../core/formats/tokenizer-difference.ts';
import { isTokenizerFile } from '../../core/formats/tokenizer-vocabulary.ts';
import { writeAtomically } from '../files/atomic-write.ts';
import { factsOf, type TokenizerChoice } from './adopt-tokenizer.ts';
import { copyFiles } from './assemble-folder.ts';
import { listCompanions, readJson } from './companions.ts';

export interface CompanionsRequest {
  readonly folder: string;
  readonly base: string;
  readonly plan: MergePlan;
  readonly tokenizer: TokenizerChoice;
}

export interface CompanionsReport {
  /** Null when the base's tokenizer was kept. */
  readonly difference: TokenizerDifference | null;
  readonly warnings: readonly string[];
}

/** Writes what lies beside the merged weights: the base's files, the chosen tokenizer, and configs that fit both. */
export async function writeCompanions(request: CompanionsRequest): Promise<CompanionsReport> {
  const { folder, base, tokenizer } = request;
  const names = (await listCompanions(base)).filter((name) => !isTokenizerFile(name));
  await copyFiles(names, base, folder);
  for (const [name, from] of tokenizer.files) await copyFiles([name], from, folder);
  if (names.includes('config.json')) await adaptConfig(request);
  if (tokenizer.origin === 'base') return { difference: null, warnings: [] };
  const baseFiles = new Map((await listCompanions(base)).filter(isTokenizerFile).map((name) => [name, base]));
  const [before, chosen] = [await factsOf(baseFiles), await factsOf(tokenizer.files)];
  const moved = movedTokens(before, chosen);
  const changes: string[] = [];
  for (const name of ['config.json', 'generation_config.json'])
    if (names.includes(name)) changes.push(...(await moveIds(folder, name, moved)));
  const elsewhere = endsElsewhere(await readJson(join(folder, 'generation_config.json')), chosen);
  return {
    difference: compareTokenizers(before, chosen),
    warnings: [...changes, ...(elsewhere === undefined ? [] : [elsewhere])],
  };
}

async function adaptConfig({ folder, base, plan }: CompanionsRequest): Promise<void> {
  const { vocabulary, unties } = plan;
  const grows = vocabulary !== undefined && vocabulary.after !== vocabulary.before;
  if (!grows && !unties) return;
  const file = join(base, 'config.json');
  const changes = {
    ...(grows ? { vocabularySize: vocabulary.after } : {}),
    ...(unties ? { tiesWordEmbeddings: false } : {}),
  };
  await writeAtomically(
    join(folder, 'config.json'),
    changeModelConfig(await readFile(file, 'utf8'), file, changes),
  );
}

async function moveIds(
  folder: string,
  name: string,
  moved: readonly MovedToken[],
): Promise<readonly string[]> {
  const file = join(folder, name);
  const value = await readJson(file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const { config, changes } = moveTokenIds({ ...value }, moved, name);
  if (changes.length > 0) await writeAtomically(file, `${JSON.stringify(config, null, 2)}\n`);
  return changes;
}

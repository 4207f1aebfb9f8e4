import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { MergeReport } from '../../core/domain/merge-report.ts';
import type { MergePiece } from '../../core/domain/weights-plan.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import { changeModelConfig } from '../../core/formats/model-config.ts';
import type { Adapter } from '../../core/formats/peft/adapter-tensors.ts';
import { planMerge, type MergePlan } from '../../core/formats/peft/plan-merge.ts';
import type { NewRows } from '../../core/formats/peft/vocabulary.ts';
import { planWeightFile, type WeightFilePlan } from '../../core/formats/plan-weight-file.ts';
import { writeShardIndex } from '../../core/formats/shard-index.ts';
import { isTokenizerFile } from '../../core/formats/tokenizer-vocabulary.ts';
import { indexNameOf, renameWeightFile } from '../../core/formats/weight-files.ts';
import { specBytes } from '../../core/formats/spec-bytes.ts';
import { writeAtomically } from '../files/atomic-write.ts';
import { mergeWeights } from '../native-cli/run-weights.ts';
import { chooseTokenizer, differenceOf, type TokenizerChoice } from './adopt-tokenizer.ts';
import { assembleFolder, copyFiles } from './assemble-folder.ts';
import { listCompanions, readConfigFacts } from './companions.ts';
import { findSameRun } from './find-same-run.ts';
import { openAdapter, type AdapterChoice } from './open-adapter.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

export interface MergeAdaptersRequest {
  /** Folder of the base model. */
  readonly base: string;
  /** Merged in this order. */
  readonly adapters: readonly AdapterChoice[];
  /** New or empty. */
  readonly out: string;
  readonly rounding: MergePiece['rounding'];
  /** What to do when the tokenizer needs rows that no adapter brings; refuse unless told. */
  readonly newRows?: NewRows;
}

/**
 * Merges LoRA adapters into a base model, file by file: the output is safetensors in the base's shards, with the index,
 * the config (`vocab_size`, `tie_word_embeddings`) and the tokenizer that belong to the merged tensors.
 */
export async function mergeAdapters(
  request: MergeAdaptersRequest,
  scope: WeightsScope,
): Promise<MergeReport> {
  const opened = await openWeights(request.base);
  if (!opened.isFolder) throw new BuildFailure('UsageInvalid', `${request.base} is no folder of a model`);
  const facts = await readConfigFacts(opened.folder);
  const adapters = await Promise.all(request.adapters.map(openAdapter));
  const folders = request.adapters.map(({ folder }) => folder);
  const tokenizer = await chooseTokenizer(opened.folder, folders);
  const { rounding, newRows = 'refuse' } = request;
  const { rowsNeeded } = tokenizer;
  const plan = planMerge({ base: opened.tensors, adapters, rounding, newRows, rowsNeeded, ...facts });
  const sameRun = await findSameRun(folders.flatMap((folder, at) => withAdapter(folder, adapters[at])));
  const checks = checksOf([...opened.tensors, ...adapters.flatMap(({ tensors }) => tensors)]);
  await assembleFolder(request.out, async (folder) => {
    const files = planFiles({ plan, opened, folder, ties: facts.tiesWordEmbeddings && !plan.unties });
    const outputs = files.map(({ output }) => output);
    await mergeWeights({ version: 1, outputs, checks }, scope, scope.executable);
    if (opened.hasIndex || files.length > 1) await writeIndex(files, plan, folder);
    await writeCompanions({ folder, base: opened.folder, plan, tokenizer });
  });
  const { difference, warnings } = await differenceOf(tokenizer, opened.folder);
  return {
    tensorsMerged: plan.merged.length,
    tensorsReplaced: plan.replaced.length,
    tokenizer: tokenizer.origin,
    tokenizerDifference: difference,
    vocabulary: plan.vocabulary ?? null,
    rounding,
    warnings: [...plan.warnings, ...sameRun, ...warnings],
  };
}

function withAdapter(folder: string, adapter: Adapter | undefined): { folder: string; adapter: Adapter }[] {
  return adapter === undefined ? [] : [{ folder, adapter }];
}

interface FilesRequest {
  readonly plan: MergePlan;
  readonly opened: OpenedWeights;
  readonly folder: string;
  readonly ties: boolean;
}

function planFiles({ plan, opened, folder, ties }: FilesRequest): WeightFilePlan[] {
  return opened.files.map(({ path, metadata }) =>
    planWeightFile({
      path: join(folder, renameWeightFile(basename(path), 'safetensors')),
      format: 'safetensors',
      tensors: plan.tensors.filter(({ home }) => home === path),
      tiesWordEmbeddings: ties,
      metadata,
    }),
  );
}

async function writeIndex(files: readonly WeightFilePlan[], plan: MergePlan, folder: string): Promise<void> {
  const sizes = new Map(plan.tensors.map((tensor) => [tensor.name, specBytes(tensor)]));
  const pairs = files.flatMap(({ output, names }) =>
    names.map((name): [string, string] => [name, basename(output.path)]),
  );
  const total = pairs.reduce((sum, [name]) => sum + (sizes.get(name) ?? 0), 0);
  await writeAtomically(
    join(folder, indexNameOf('safetensors', 'model')),
    writeShardIndex(new Map(pairs), total),
  );
}

interface CompanionsRequest {
  readonly folder: string;
  readonly base: string;
  readonly plan: MergePlan;
  readonly tokenizer: TokenizerChoice;
}

async function writeCompanions({ folder, base, plan, tokenizer }: CompanionsRequest): Promise<void> {
  const names = (await listCompanions(base)).filter((name) => !isTokenizerFile(name));
  await copyFiles(names, base, folder);
  await copyFiles(tokenizer.files, tokenizer.folder, folder);
  const grows = plan.vocabulary !== undefined && plan.vocabulary.after !== plan.vocabulary.before;
  if (!names.includes('config.json') || (!grows && !plan.unties)) return;
  const file = join(base, 'config.json');
  const changes = {
    ...(grows ? { vocabularySize: plan.vocabulary?.after } : {}),
    ...(plan.unties ? { tiesWordEmbeddings: false } : {}),
  };
  await writeAtomically(
    join(folder, 'config.json'),
    changeModelConfig(await readFile(file, 'utf8'), file, changes),
  );
}

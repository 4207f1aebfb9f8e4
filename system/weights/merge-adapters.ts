import { basename, join } from 'node:path';
import { BuildFailure, isBuildFailure } from '../../core/domain/failures.ts';
import type { MergeReport } from '../../core/domain/merge-report.ts';
import type { MergePiece } from '../../core/domain/weights-plan.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import type { Adapter } from '../../core/formats/peft/adapter-tensors.ts';
import { planMerge, type MergePlan } from '../../core/formats/peft/plan-merge.ts';
import type { NewRows } from '../../core/formats/peft/vocabulary.ts';
import { planWeightFile, type WeightFilePlan } from '../../core/formats/plan-weight-file.ts';
import { writeShardIndex } from '../../core/formats/shard-index.ts';
import { indexNameOf, renameWeightFile } from '../../core/formats/weight-files.ts';
import { specBytes } from '../../core/formats/spec-bytes.ts';
import { writeAtomically } from '../files/atomic-write.ts';
import { mergeWeights } from '../native-cli/run-weights.ts';
import { chooseTokenizer } from './adopt-tokenizer.ts';
import { assembleFolder } from './assemble-folder.ts';
import { readConfigFacts } from './companions.ts';
import { findSameRun } from './find-same-run.ts';
import { writeCompanions } from './merged-companions.ts';
import { openAdapter, type AdapterChoice } from './open-adapter.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

export interface MergeAdaptersRequest {
  /** Folder of the base model. */
  readonly base: string;
  /** The hub repository or folder the base was fetched from, where that is another than its folder. */
  readonly baseName?: string;
  /** Merged in this order. */
  readonly adapters: readonly AdapterChoice[];
  /** New or empty. */
  readonly out: string;
  readonly rounding: MergePiece['rounding'];
  /** What to do when the tokenizer needs rows that no adapter brings; refuse unless told. */
  readonly newRows?: NewRows;
  /** Merge adapters of another base too. */
  readonly anyBase?: boolean;
}

/**
 * Merges LoRA adapters into a base model, file by file: the output is safetensors in the base's shards, with the index,
 * the config (`vocab_size`, `tie_word_embeddings`, token ids) and the tokenizer that belong to the merged tensors.
 */
export async function mergeAdapters(
  request: MergeAdaptersRequest,
  scope: WeightsScope,
): Promise<MergeReport> {
  const opened = await openWeights(request.base);
  if (!opened.isFolder) throw new BuildFailure('UsageInvalid', `${request.base} is no folder of a model`);
  const adapters = await Promise.all(request.adapters.map(openAdapter));
  const named = request.adapters.flatMap((choice, at) => withAdapter(choice, adapters[at]));
  const tokenizer = await chooseTokenizer(opened.folder, named);
  const { rounding } = request;
  const plan = await planRequest(request, { opened, adapters, rowsNeeded: tokenizer.rowsNeeded });
  const sameRun = await findSameRun(named);
  const { difference, warnings } = await assembleFolder(request.out, async (folder) => {
    const files = planFiles({ plan, opened, folder });
    await writeFiles(files, { opened, adapters, scope });
    if (opened.hasIndex || files.length > 1) await writeIndex(files, plan, folder);
    return writeCompanions({ folder, base: opened.folder, plan, tokenizer });
  });
  return {
    tensorsMerged: plan.merged.length,
    tensorsReplaced: plan.replaced.length,
    tokenizer: tokenizer.origin,
    tokenizerDifference: difference,
    vocabulary: plan.vocabulary ?? null,
    rounding,
    warnings: [...plan.warnings, ...sameRun, ...tokenizer.warnings, ...warnings],
  };
}

interface Opened {
  readonly opened: OpenedWeights;
  readonly adapters: readonly Adapter[];
  readonly rowsNeeded: number;
}

async function planRequest(request: MergeAdaptersRequest, { opened, adapters, rowsNeeded }: Opened) {
  const { rounding, newRows = 'refuse', baseName, anyBase } = request;
  const { savedFrom, ...facts } = await readConfigFacts(opened.folder);
  const identity = { source: baseName, savedFrom, folder: basename(opened.folder), anyBase };
  return planMerge({ base: opened.tensors, adapters, rounding, newRows, rowsNeeded, identity, ...facts });
}

interface NamedAdapter {
  readonly folder: string;
  readonly label: string;
  /** Where the adapter comes from, if its folder does not tell. */
  readonly source?: string;
  readonly adapter: Adapter;
}

function withAdapter({ folder, source }: AdapterChoice, adapter: Adapter | undefined): NamedAdapter[] {
  if (adapter === undefined) return [];
  return [{ folder, label: adapter.label, adapter, ...(source === undefined ? {} : { source }) }];
}

interface FilesRequest {
  readonly plan: MergePlan;
  readonly opened: OpenedWeights;
  readonly folder: string;
}

function planFiles({ plan, opened, folder }: FilesRequest): WeightFilePlan[] {
  return opened.files.map(({ path, metadata }) =>
    planWeightFile({
      path: join(folder, renameWeightFile(basename(path), 'safetensors')),
      format: 'safetensors',
      tensors: plan.tensors.filter(({ home }) => home === path),
      tiesWordEmbeddings: plan.ties,
      metadata,
    }),
  );
}

interface WritingContext {
  readonly opened: OpenedWeights;
  readonly adapters: readonly Adapter[];
  readonly scope: WeightsScope;
}

/** The executable knows tensors, not adapters: of several it is told which one touches the tensor that failed. */
async function writeFiles(
  files: readonly WeightFilePlan[],
  { opened, adapters, scope }: WritingContext,
): Promise<void> {
  const checks = checksOf([...opened.tensors, ...adapters.flatMap(({ tensors }) => tensors)]);
  const outputs = files.map(({ output }) => output);
  try {
    await mergeWeights({ version: 1, outputs, checks }, scope, scope.executable);
  } catch (error) {
    if (!isBuildFailure(error) || error.name !== 'MergeNotFinite') throw error;
    const { tensor } = error.details;
    const module = typeof tensor === 'string' ? tensor.replace(/\.(?:weight|bias)$/, '') : undefined;
    const touching = adapters.filter(
      ({ tensors }) => module !== undefined && tensors.some(({ name }) => name.includes(`${module}.`)),
    );
    const labels = (touching.length === 0 ? adapters : touching).map(({ label }) => label).join(', ');
    throw new BuildFailure('MergeNotFinite', `${error.message} (${labels})`, {
      details: { ...error.details, adapters: labels },
      cause: error,
    });
  }
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

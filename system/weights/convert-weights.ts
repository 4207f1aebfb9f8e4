import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import type { WeightFilePlan } from '../../core/formats/plan-weight-file.ts';
import { writeShardIndex } from '../../core/formats/shard-index.ts';
import { compareReleases, firstTorchWith } from '../../core/formats/torch/torch-dtypes.ts';
import { indexNameOf, renameWeightFile, type WeightFormat } from '../../core/formats/weight-files.ts';
import { writeAtomically } from '../files/atomic-write.ts';
import { copyWeights } from '../native-cli/run-weights.ts';
import { assembleFile, assembleFolder, copyFiles } from './assemble-folder.ts';
import { listCompanions, readConfigFacts } from './companions.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import { planFile, planFolder } from './plan-conversion.ts';
import type { WeightsScope } from './weights-scope.ts';

export interface ConvertRequest {
  /** Folder in Hugging Face layout, or a single file. */
  readonly from: string;
  /** Like `from`. A folder must be new or empty; a single file is replaced in one step. */
  readonly to: string;
  readonly format: WeightFormat;
  /** Key of the state dict inside a `.bin` training checkpoint. */
  readonly root?: string;
  /**
   * What becomes in safetensors of an output layer that shares the embedding's bytes: left out and recorded, or written
   * out. By the model's `tie_word_embeddings` unless told. Other shared tensors are always written out.
   */
  readonly aliases?: 'drop-tied' | 'duplicate';
  /** Divides a folder's tensors anew into files of at most so many bytes; the input's files unless told. */
  readonly maxShardBytes?: number;
}

/** `files` relative to the output; `aliases` dropped name → the name whose bytes it shares. */
export type ConvertReport = {
  readonly format: WeightFormat;
  readonly tensors: number;
  readonly bytes: number;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  readonly aliases: { readonly [dropped: string]: string };
  readonly notices: readonly string[];
};

/**
 * Writes weights in another format, shard by shard, with every tensor's bytes unchanged. A folder's config, tokenizer
 * and generation files come along; weights of the other format do not, because loaders would silently read them.
 */
export async function convertWeights(request: ConvertRequest, scope: WeightsScope): Promise<ConvertReport> {
  const opened = await openWeights(request.from, request.root === undefined ? {} : { root: request.root });
  if (opened.tensors.length === 0)
    throw new BuildFailure('WeightsMissing', `${request.from} holds no tensors`);
  return opened.isFolder ? convertFolder(opened, request, scope) : convertFile(opened, request, scope);
}

async function convertFolder(
  opened: OpenedWeights,
  request: ConvertRequest,
  scope: WeightsScope,
): Promise<ConvertReport> {
  const { format, aliases, maxShardBytes } = request;
  const config = await readConfigFacts(opened.folder);
  const tied = config.tiesWordEmbeddings ?? false;
  const tiesWordEmbeddings = aliases === undefined ? tied : aliases === 'drop-tied';
  return assembleFolder(request.to, async (folder) => {
    const plans = planFolder(opened, {
      folder,
      format,
      tiesWordEmbeddings,
      ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    });
    const report = await writePlans(plans, { opened, format, scope });
    const isDivided = plans.length > 1 || (opened.hasIndex && maxShardBytes === undefined);
    if (isDivided) await writeIndex(plans, { folder, opened, format });
    await copyFiles(await listCompanions(opened.folder), opened.folder, folder);
    const untied = tied ? [] : Object.keys(report.aliases);
    return { ...report, notices: [...report.notices, ...untied.map(describeUntied)] };
  });
}

function describeUntied(name: string): string {
  return `${name} was left out though the config does not tie it: only loaders that read the record find it`;
}

async function convertFile(
  opened: OpenedWeights,
  request: ConvertRequest,
  scope: WeightsScope,
): Promise<ConvertReport> {
  const [file] = opened.files;
  if (file === undefined) throw new BuildFailure('WeightsMissing', `${request.from} holds no weights`);
  if (request.maxShardBytes !== undefined)
    throw new BuildFailure('UsageInvalid', 'only a folder can be divided into shards, not a single file');
  const { format, aliases } = request;
  return assembleFile(await chooseTarget(file.path, request), async (path) => {
    const plan = planFile(file, path, { format, tiesWordEmbeddings: aliases === 'drop-tied' });
    return writePlans([plan], { opened, format, scope });
  });
}

/** Like cp: a folder as the target of a file takes it in under its new name. */
async function chooseTarget(from: string, { to, format }: ConvertRequest): Promise<string> {
  const target = resolve(to);
  const status = await stat(target).catch(() => undefined);
  const path = status?.isDirectory() ? join(target, renameWeightFile(basename(from), format)) : target;
  if (path === from) throw new BuildFailure('UsageInvalid', `${from} cannot be converted onto itself`);
  return path;
}

interface WritingContext {
  readonly opened: OpenedWeights;
  readonly format: WeightFormat;
  readonly scope: WeightsScope;
}

async function writePlans(
  plans: readonly WeightFilePlan[],
  { opened, format, scope }: WritingContext,
): Promise<ConvertReport> {
  const written = await copyWeights(
    { version: 1, outputs: plans.map(({ output }) => output), checks: checksOf(opened.tensors) },
    scope,
    scope.executable,
  );
  return {
    format,
    tensors: plans.reduce((count, { names }) => count + names.length, 0),
    bytes: written.reduce((sum, { bytes }) => sum + bytes, 0),
    files: written.map(({ path, bytes, sha256 }) => ({ path: basename(path), bytes, sha256 })),
    aliases: Object.fromEntries(plans.flatMap(({ dropped }) => [...dropped])),
    notices: [...opened.notices, ...(format === 'bin' ? describeRelease(opened) : [])],
  };
}

/** Which torch release a file needs whose dtypes older ones lack. */
function describeRelease({ tensors }: OpenedWeights): string[] {
  const releases = tensors.flatMap(({ dtype }) => firstTorchWith.get(dtype) ?? []);
  const newest = releases.toSorted(compareReleases).at(-1);
  if (newest === undefined) return [];
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].filter((dtype) => firstTorchWith.has(dtype));
  return [`torch ${newest} or later is needed to load ${dtypes.join(', ')} from .bin`];
}

interface IndexTarget {
  readonly folder: string;
  readonly opened: OpenedWeights;
  readonly format: WeightFormat;
}

async function writeIndex(
  plans: readonly WeightFilePlan[],
  { folder, opened, format }: IndexTarget,
): Promise<void> {
  const sizes = new Map(opened.tensors.map(({ name, bytes }) => [name, bytes]));
  const pairs = plans.flatMap(({ output, names }) =>
    names.map((name): [string, string] => [name, basename(output.path)]),
  );
  const total = pairs.reduce((sum, [name]) => sum + (sizes.get(name) ?? 0), 0);
  await writeAtomically(
    join(folder, indexNameOf(format, opened.role)),
    writeShardIndex(new Map(pairs), total),
  );
}

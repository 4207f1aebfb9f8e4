import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { recordedAliases } from '../../core/formats/recorded-aliases.ts';
import { readSafetensorsHeader } from '../../core/formats/safetensors/read-header.ts';
import {
  checkShardIndex,
  describeTotal,
  mapHolders,
  maxIndexBytes,
  parseShardIndex,
} from '../../core/formats/shard-index.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { readTorchFile } from '../../core/formats/torch/read-torch-file.ts';
import {
  chooseWeightFiles,
  formatOfFile,
  type WeightFileSet,
  type WeightFormat,
} from '../../core/formats/weight-files.ts';
import { withByteFile } from './byte-file.ts';
import { readSmallText } from './small-text.ts';

export interface OpenedFile {
  /** Absolute. */
  readonly path: string;
  readonly tensors: readonly WeightTensor[];
  /** `__metadata__` of safetensors; empty for `.bin`. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
}

/** Weights with every header read and checked, and no tensor touched yet. */
export interface OpenedWeights {
  /** Absolute; the folder that holds the files. */
  readonly folder: string;
  readonly isFolder: boolean;
  readonly format: WeightFormat;
  readonly role: 'model' | 'adapter';
  readonly hasIndex: boolean;
  readonly files: readonly OpenedFile[];
  /** Of all files, in their order. */
  readonly tensors: readonly WeightTensor[];
  readonly notices: readonly string[];
}

export interface OpenOptions {
  /** Key of the state dict inside a `.bin` training checkpoint. */
  readonly root?: string;
  /** What to open in a folder with both; a model unless told. */
  readonly prefer?: 'model' | 'adapter';
}

/**
 * Opens a folder in Hugging Face layout or a single weight file. Throws WeightsMissing, WeightsCorrupt or
 * WeightsUnsupported; an index that does not agree with its shards both ways is WeightsCorrupt.
 */
export async function openWeights(path: string, options: OpenOptions = {}): Promise<OpenedWeights> {
  const absolute = resolve(path);
  const status = await stat(absolute).catch(() => undefined);
  if (status === undefined) throw new BuildFailure('WeightsMissing', `${absolute} does not exist`);
  if (status.isDirectory()) return openFolder(absolute, options);
  const format = formatOfFile(basename(absolute));
  const file = await openFile(absolute, format, options.root);
  const role = basename(absolute).startsWith('adapter_model') ? 'adapter' : 'model';
  return summarise([file], { folder: dirname(absolute), isFolder: false, format, role, hasIndex: false });
}

async function openFolder(folder: string, options: OpenOptions): Promise<OpenedWeights> {
  const chosen = chooseWeightFiles({
    folder,
    names: await readdir(folder),
    prefer: options.prefer ?? 'model',
  });
  const index = chosen.index === undefined ? undefined : await readIndex(join(folder, chosen.index));
  const names = index === undefined ? chosen.files : [...new Set(index.shardOf.values())].sort();
  const files: OpenedFile[] = [];
  for (const name of names) files.push(await openFile(join(folder, name), chosen.format, options.root));
  const opened = summarise(files, { ...describe(chosen), folder, isFolder: true });
  const holders = mapHolders(
    files.map((file) => ({ shard: basename(file.path), names: file.tensors.map(({ name }) => name) })),
  );
  if (index === undefined) return opened;
  const file = join(folder, chosen.index ?? '');
  const aliases = opened.tensors.filter(({ aliasOf }) => aliasOf !== undefined);
  checkShardIndex({ index, holders, optional: new Set(aliases.map(({ name }) => name)), file });
  const total = describeTotal(index, opened.tensors, file);
  const unnamed = chosen.files.filter((name) => !names.includes(name));
  return {
    ...opened,
    notices: [
      ...opened.notices,
      ...(total === undefined ? [] : [total]),
      ...unnamed.map((name) => `${name} is in no line of ${basename(file)} and was left out`),
    ],
  };
}

function describe({
  format,
  role,
  index,
}: WeightFileSet): Pick<OpenedWeights, 'format' | 'role' | 'hasIndex'> {
  return { format, role, hasIndex: index !== undefined };
}

async function readIndex(file: string) {
  return parseShardIndex(await readSmallText(file, maxIndexBytes), file);
}

async function openFile(path: string, format: WeightFormat, root: string | undefined): Promise<OpenedFile> {
  return withByteFile(path, async (source) => {
    if (format === 'bin')
      return { path: source.file, metadata: new Map(), ...(await readTorchFile(source, root)) };
    const header = await readSafetensorsHeader(source);
    const own = header.tensors.map((tensor): WeightTensor => ({ ...tensor, file: source.file }));
    const tensors = [...own, ...recordedAliases(own, header.metadata)];
    return { path: source.file, tensors, metadata: header.metadata, notices: [] };
  });
}

function summarise(
  files: readonly OpenedFile[],
  facts: Pick<OpenedWeights, 'folder' | 'isFolder' | 'format' | 'role' | 'hasIndex'>,
): OpenedWeights {
  return {
    ...facts,
    files,
    tensors: files.flatMap(({ tensors }) => tensors),
    notices: files.flatMap(({ notices }) => notices),
  };
}

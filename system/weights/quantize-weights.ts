import { basename, join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { QuantizedEvent } from '../../core/domain/quantize-pieces.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import { addQuantizationConfig, parseModelConfig } from '../../core/formats/quantized/config-file.ts';
import type { ScaleDtype } from '../../core/formats/quantized/format.ts';
import { planQuantizedFile, type QuantizedFilePlan } from '../../core/formats/quantized/plan-file.ts';
import { planQuantized, type QuantizingPlan } from '../../core/formats/quantized/plan-quantized.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import { sortSolvedTensors } from '../../core/formats/quantized/solved-tensors.ts';
import { writeShardIndex } from '../../core/formats/shard-index.ts';
import { indexNameOf, renameWeightFile } from '../../core/formats/weight-files.ts';
import { writeAtomically } from '../files/atomic-write.ts';
import { specBytes } from '../../core/formats/spec-bytes.ts';
import { quantizeMatrices, type QuantizedFiles } from '../native-cli/run-weights.ts';
import { assembleFolder, copyFiles } from './assemble-folder.ts';
import { listCompanions, readConfigFacts } from './companions.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import { readSmallText } from './small-text.ts';
import type { WeightsScope } from './weights-scope.ts';

export interface QuantizeRequest {
  /** Folder of the model, in Hugging Face layout. */
  readonly from: string;
  /** New or empty. */
  readonly to: string;
  readonly scheme: QuantizationScheme;
  /** Patterns of linears that stay as they are, e.g. `down_proj` or `layers.0.*`. */
  readonly exclude?: readonly string[];
  /** A solver's safetensors file with codes and folded tensors. */
  readonly solved?: string;
  /** Of stored scales; the layout's own choice unless given. */
  readonly scaleDtype?: ScaleDtype;
}

export type LinearError = Omit<QuantizedEvent, 'event'>;

export type QuantizeReport = {
  readonly scheme: JsonObject;
  readonly linears: number;
  /** Linears left as they are, `lm_head` among them. */
  readonly kept: readonly string[];
  /** Of all tensors, without headers. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** How far each rounded linear is from the original, worst first; `name` is the module. */
  readonly worst: readonly LinearError[];
  readonly notices: readonly string[];
};

/**
 * Writes a quantized model as a folder that transformers, vLLM and SGLang load, file by file: codes and scales in the
 * place of the linears' weights, everything else unchanged, `quantization_config` in config.json. Throws what
 * `planQuantized` throws, and UsageInvalid when `from` is no folder of a model.
 */
export async function quantizeWeights(
  request: QuantizeRequest,
  scope: WeightsScope,
): Promise<QuantizeReport> {
  const { opened, config, plan } = await openForQuantizing(request);
  return assembleFolder(request.to, async (folder) => {
    const planned = await planFiles(opened, plan, folder);
    const outputs = planned.map(({ output }) => output);
    const checks = checksOf(opened.tensors);
    const written = await quantizeMatrices({ version: 1, outputs, checks }, scope, scope.executable);
    if (opened.hasIndex || planned.length > 1) await writeIndex(planned, folder);
    await copyFiles(await listCompanions(opened.folder), opened.folder, folder);
    await writeAtomically(
      join(folder, 'config.json'),
      addQuantizationConfig(config, plan.quantizationConfig),
    );
    return describe({ scheme: request.scheme, opened, plan, planned, ...written });
  });
}

/** A model with what quantizing would make of it; nothing is written. Throws what `quantizeWeights` throws for it. */
export async function openForQuantizing(request: QuantizeRequest): Promise<{
  readonly opened: OpenedWeights;
  readonly config: JsonObject;
  readonly plan: QuantizingPlan;
}> {
  const opened = await openWeights(request.from);
  if (!opened.isFolder) throw new BuildFailure('UsageInvalid', `${request.from} is no folder of a model`);
  const config = await readConfig(join(opened.folder, 'config.json'));
  const solved = request.solved === undefined ? undefined : await openWeights(request.solved);
  const plan = planQuantized({
    tensors: opened.tensors,
    config,
    scheme: request.scheme,
    exclude: request.exclude ?? [],
    ...(solved === undefined ? {} : { solved: sortSolvedTensors(solved.tensors) }),
    ...(request.scaleDtype === undefined ? {} : { scaleDtype: request.scaleDtype }),
  });
  return { opened, config, plan };
}

async function readConfig(file: string): Promise<JsonObject> {
  const text = await readSmallText(file).catch((error: unknown) => {
    throw new BuildFailure(
      'WeightsUnsupported',
      `${file} is not there: without it nobody knows the linears`,
      {
        cause: error,
      },
    );
  });
  return parseModelConfig(text, file);
}

async function planFiles(
  opened: OpenedWeights,
  { tensors }: QuantizingPlan,
  folder: string,
): Promise<QuantizedFilePlan[]> {
  const { tiesWordEmbeddings = false } = await readConfigFacts(opened.folder);
  return opened.files.map(({ path, metadata }) =>
    planQuantizedFile({
      path: join(folder, renameWeightFile(basename(path), 'safetensors')),
      tensors: tensors.filter(({ source }) => source.file === path),
      tiesWordEmbeddings,
      metadata,
    }),
  );
}

async function writeIndex(files: readonly QuantizedFilePlan[], folder: string): Promise<void> {
  const shardOf = new Map(
    files.flatMap(({ output, tensors }) => tensors.map(({ name }) => [name, basename(output.path)] as const)),
  );
  const text = writeShardIndex(shardOf, countBytes(files));
  await writeAtomically(join(folder, indexNameOf('safetensors', 'model')), text);
}

function countBytes(files: readonly QuantizedFilePlan[]): number {
  return files.flatMap(({ tensors }) => tensors).reduce((sum, tensor) => sum + specBytes(tensor), 0);
}

interface Outcome extends QuantizedFiles {
  readonly scheme: QuantizationScheme;
  readonly opened: OpenedWeights;
  readonly plan: QuantizingPlan;
  readonly planned: readonly QuantizedFilePlan[];
}

function describe({ scheme, opened, plan, planned, files, errors }: Outcome): QuantizeReport {
  const { quantized, kept } = plan.modules;
  return {
    scheme: { ...scheme, grid: { ...scheme.grid } },
    linears: quantized.length,
    kept,
    bytesBefore: opened.tensors.reduce(
      (sum, { bytes, aliasOf }) => sum + (aliasOf === undefined ? bytes : 0),
      0,
    ),
    bytesAfter: countBytes(planned),
    files: files.map(({ path, bytes, sha256 }) => ({ path: basename(path), bytes, sha256 })),
    worst: errors.map(nameModule).toSorted(byError),
    notices: [...opened.notices, ...plan.notices],
  };
}

/** The executable reports by the name of the tensor that holds the codes; people know the module. */
function nameModule({ name, maxAbs, relativeFrobenius, cosine, sqnr }: QuantizedEvent): LinearError {
  const module = name.replace(/\.(?:weight|weight_packed|qweight)$/, '');
  return { name: module, maxAbs, relativeFrobenius, cosine, sqnr };
}

function byError(a: LinearError, b: LinearError): number {
  return b.relativeFrobenius - a.relativeFrobenius || (a.name < b.name ? -1 : 1);
}

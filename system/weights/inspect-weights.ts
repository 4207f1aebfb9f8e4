import { basename, join } from 'node:path';
import { isBuildFailure } from '../../core/domain/failures.ts';
import type { Json } from '../../core/domain/json.ts';
import { quantizationConfigOf } from '../../core/formats/quantized/config-file.ts';
import type { StoredScheme } from '../../core/formats/quantized/quantized-linear.ts';
import { readQuantizedLinears } from '../../core/formats/quantized/read-quantized.ts';
import { countItems } from '../../core/formats/tensor.ts';
import { readJson } from './companions.ts';
import { type OpenedWeights, openWeights, type OpenOptions } from './open-weights.ts';

export type WeightsSummary = {
  readonly format: 'safetensors' | 'bin';
  readonly role: 'model' | 'adapter';
  readonly files: readonly string[];
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly file: string;
    readonly aliasOf?: string;
  }[];
  /** Items and bytes of all tensors, aliases not counted. */
  readonly parameters: number;
  readonly bytes: number;
  /** `__metadata__` of the files, the first file's word counting. */
  readonly metadata: { readonly [key: string]: string };
  /** The fields of `adapter_config.json` that decide a merge. */
  readonly adapter: { readonly [field: string]: unknown } | null;
  /** How linears are stored, and how many, when the folder's config.json says that they are quantized. */
  readonly quantization: (StoredScheme & { readonly linears: number }) | null;
  readonly notices: readonly string[];
};

const adapterFields = [
  'peft_type',
  'base_model_name_or_path',
  'r',
  'lora_alpha',
  'use_rslora',
  'use_dora',
  'bias',
  'target_modules',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
  'peft_version',
] as const;

/**
 * What a folder or file of weights holds, from its headers alone. Failures as openWeights; WeightsCorrupt as well for
 * parts of a quantized linear that are missing or do not fit together.
 */
export async function inspectWeights(path: string, options: OpenOptions = {}): Promise<WeightsSummary> {
  const opened = await openWeights(path, options);
  const owned = opened.tensors.filter(({ aliasOf }) => aliasOf === undefined);
  const adapter =
    opened.role === 'adapter' ? await readJson(join(opened.folder, 'adapter_config.json')) : undefined;
  const { quantization, notices } = await describeQuantization(opened);
  return {
    format: opened.format,
    role: opened.role,
    files: opened.files.map((file) => basename(file.path)),
    tensors: opened.tensors.map(({ name, dtype, shape, bytes, file, aliasOf }) => ({
      name,
      dtype,
      shape,
      bytes,
      file: basename(file),
      ...(aliasOf === undefined ? {} : { aliasOf }),
    })),
    parameters: owned.reduce((sum, { shape }) => sum + (countItems(shape) ?? 0), 0),
    bytes: owned.reduce((sum, { bytes }) => sum + bytes, 0),
    metadata: Object.fromEntries(opened.files.toReversed().flatMap(({ metadata }) => [...metadata])),
    adapter: pickFields(adapter),
    quantization,
    notices: [...opened.notices, ...notices],
  };
}

/** A method that is not read here is worth a notice only: tensors can be shown all the same. */
async function describeQuantization({
  folder,
  isFolder,
  role,
  tensors,
}: OpenedWeights): Promise<Pick<WeightsSummary, 'quantization' | 'notices'>> {
  const config = isFolder && role === 'model' ? await readJson(join(folder, 'config.json')) : undefined;
  if (config === undefined || quantizationConfigOf(config as Json) === undefined)
    return { quantization: null, notices: [] };
  try {
    const { scheme, linears } = readQuantizedLinears(tensors, config as Json);
    return { quantization: { ...scheme, linears: linears.length }, notices: [] };
  } catch (error) {
    if (!isBuildFailure(error) || error.name !== 'WeightsUnsupported') throw error;
    return { quantization: null, notices: [error.message] };
  }
}

function pickFields(config: unknown): { readonly [field: string]: unknown } | null {
  if (typeof config !== 'object' || config === null) return null;
  const fields = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(
    adapterFields.filter((field) => fields.has(field)).map((field) => [field, fields.get(field)]),
  );
}

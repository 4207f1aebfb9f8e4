import { basename, join } from 'node:path';
import { countItems } from '../../core/formats/tensor.ts';
import { readJson } from './companions.ts';
import { openWeights, type OpenOptions } from './open-weights.ts';

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

/** What a folder or file of weights holds, from its headers alone. Failures as openWeights. */
export async function inspectWeights(path: string, options: OpenOptions = {}): Promise<WeightsSummary> {
  const opened = await openWeights(path, options);
  const owned = opened.tensors.filter(({ aliasOf }) => aliasOf === undefined);
  const adapter =
    opened.role === 'adapter' ? await readJson(join(opened.folder, 'adapter_config.json')) : undefined;
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
    notices: opened.notices,
  };
}

function pickFields(config: unknown): { readonly [field: string]: unknown } | null {
  if (typeof config !== 'object' || config === null) return null;
  const fields = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(
    adapterFields.filter((field) => fields.has(field)).map((field) => [field, fields.get(field)]),
  );
}

import type { Json, JsonObject } from '../../domain/json.ts';
import { activationParts, fp8Linear, nvfp4Linear } from './float-readers.ts';
import type { Fp8Linear } from './quantized-linear.ts';
import { readGroup, type StoredForm, unsupportedModel } from './stored-form.ts';

/**
 * FP8 folders with `quant_method: fp8`, which nothing here writes: per tensor as AutoFP8 has them, or in blocks as
 * DeepSeek's and Qwen's (transformers `FineGrainedFP8Config`), whose scales are called `weight_scale_inv` and multiplied
 * all the same.
 */
export function readFp8Form(config: JsonObject): StoredForm {
  const fmt = config['fmt'];
  if (fmt !== undefined && fmt !== null && fmt !== 'e4m3')
    throw unsupportedModel(`has weights in the format ${JSON.stringify(fmt)} of fp8`);
  const block = readBlockSize(config['weight_block_size'] ?? null);
  const scale = block[0] === null ? 'weight_scale' : 'weight_scale_inv';
  return {
    scheme: { method: 'fp8', format: 'e4m3', weights: 'fp8', block, symmetric: true },
    codes: 'weight',
    dtype: 'F8_E4M3',
    parts: [scale, ...activationParts],
    linear: (parts) => fp8Linear(parts, block, scale),
  };
}

function readBlockSize(size: Json): Fp8Linear['block'] {
  if (size === null) return [null, null];
  const [rows, columns] = Array.isArray(size) && size.length === 2 ? size.map(readGroup) : [];
  if (typeof rows === 'number' && typeof columns === 'number') return [rows, columns];
  throw unsupportedModel(`has blocks of ${JSON.stringify(size)}`);
}

/** FP8 and NVFP4 of NVIDIA's ModelOpt, unified Hugging Face export; the names are those that vLLM's modelopt.py reads. */
export function readModelOptForm(config: JsonObject): StoredForm {
  const algorithm = config['quant_algo'];
  const common = { codes: 'weight' } as const;
  if (algorithm === 'FP8')
    return {
      ...common,
      scheme: { method: 'modelopt', format: 'FP8', weights: 'fp8', block: [null, null], symmetric: true },
      dtype: 'F8_E4M3',
      parts: ['weight_scale', ...activationParts],
      linear: (parts) => fp8Linear(parts, [null, null], 'weight_scale'),
    };
  if (algorithm === 'NVFP4')
    return {
      ...common,
      scheme: { method: 'modelopt', format: 'NVFP4', weights: 'nvfp4', block: [1, 16], symmetric: true },
      dtype: 'U8',
      parts: ['weight_scale', 'weight_scale_2', ...activationParts],
      linear: (parts) => nvfp4Linear(parts, 'weight_scale_2', false),
    };
  throw unsupportedModel(`is quantized by modelopt as ${JSON.stringify(algorithm)}`);
}

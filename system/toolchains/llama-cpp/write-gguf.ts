import type { Json, JsonObject } from '../../../core/domain/json.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import type { GgufFloatType } from '../../../core/formats/gguf/convert-floats.ts';
import {
  type GgufPlan,
  type ModelGgufRequest,
  planModelGguf,
} from '../../../core/formats/gguf/model-plan.ts';
import { type MetadataSummary, summariseMetadata } from '../../../core/formats/gguf/summarise-metadata.ts';
import { quantizationConfigOf } from '../../../core/formats/quantized/config-file.ts';
import { readQuantizedLinears } from '../../../core/formats/quantized/read-quantized.ts';
import type { WeightTensor } from '../../../core/formats/tensor.ts';
import { readModelConfig, readTokenizerFiles } from './read-model-folder.ts';
import { settleLinears } from './settle-linears.ts';
import { writeGgufFile } from './write-gguf-file.ts';

/** The type of a file's matrices as recipes and llama.cpp's tools write it. */
export const ggufOutTypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const satisfies Record<
  string,
  GgufFloatType
>;
export type GgufOutType = keyof typeof ggufOutTypes;

export interface WriteGgufRequest {
  /** Hugging Face layout; config.json and the tokenizer files are read from here. */
  readonly modelFolder: string;
  /** All tensors of the model. */
  readonly tensors: readonly WeightTensor[];
  readonly outFile: string;
  readonly outType: GgufOutType;
  /** Shown by tools as the model's name. */
  readonly name?: string;
}

export interface WrittenGguf extends JsonObject {
  readonly tensors: number;
  /** Of the file. */
  readonly bytes: number;
  /** `general.architecture` */
  readonly architecture: string;
  /** Every key with its value, arrays as their length. */
  readonly metadata: MetadataSummary;
}

/**
 * Converts a model in Hugging Face layout, quantized or not, to a GGUF file. Failures: those of readQuantizedLinears,
 * settleLinears, planModelGguf and writeGgufFile.
 */
export async function writeGguf(request: WriteGgufRequest, scope: EffectScope): Promise<WrittenGguf> {
  const config = await readModelConfig(request.modelFolder);
  const plan = planModelGguf({
    config,
    tokenizer: await readTokenizerFiles(request.modelFolder),
    ...(await sortTensors(request.tensors, config)),
    floatType: ggufOutTypes[request.outType],
    ...(request.name === undefined ? {} : { name: request.name }),
  });
  await writeGgufFile(plan, request.outFile, scope);
  return describeWritten(plan);
}

/** A folder with a `quantization_config` holds codes in the place of its linears' weights. */
async function sortTensors(
  tensors: readonly WeightTensor[],
  config: Json,
): Promise<Pick<ModelGgufRequest, 'tensors' | 'quantized'>> {
  if (quantizationConfigOf(config) === undefined) return { tensors };
  const { linears, others } = readQuantizedLinears(tensors, config);
  return { tensors: others, quantized: await settleLinears(linears) };
}

export function describeWritten(plan: GgufPlan): WrittenGguf {
  return {
    tensors: plan.contents.length,
    bytes: plan.layout.bytes,
    architecture: plan.architecture,
    metadata: summariseMetadata(plan.metadata),
  };
}

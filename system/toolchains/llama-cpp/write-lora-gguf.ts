import { basename } from 'node:path';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { Json } from '../../../core/domain/json.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { planLoraGguf } from '../../../core/formats/gguf/lora-plan.ts';
import { readAdapterConfig } from '../../../core/formats/peft/adapter-config.ts';
import type { WeightTensor } from '../../../core/formats/tensor.ts';
import { readJson } from './read-model-folder.ts';
import { describeWritten, type WrittenGguf } from './write-gguf.ts';
import { writeGgufFile } from './write-gguf-file.ts';

export interface WriteLoraGgufRequest {
  /** peft layout; adapter_config.json is read from here. */
  readonly adapterFolder: string;
  /** All tensors of the adapter. */
  readonly tensors: readonly WeightTensor[];
  /** config.json of the base model, parsed. */
  readonly baseConfig: Json;
  readonly outFile: string;
  /** Multiplies the adapter's effect; default 1. */
  readonly scale?: number;
  /** Shown by tools as the adapter's name; default is the folder's. */
  readonly name?: string;
}

/** Converts a LoRA adapter to a GGUF file for llama.cpp's run time. Failures: those of planLoraGguf and writeGgufFile. */
export async function writeLoraGguf(request: WriteLoraGgufRequest, scope: EffectScope): Promise<WrittenGguf> {
  const label = request.name ?? basename(request.adapterFolder);
  const config = await readJson(request.adapterFolder, 'adapter_config.json');
  if (config === undefined)
    throw new BuildFailure('AdapterUnsupported', `${label} has no adapter_config.json`);
  const adapter = {
    label,
    config: readAdapterConfig(config, `adapter_config.json of ${label}`),
    tensors: request.tensors,
    weight: request.scale ?? 1,
  };
  const plan = planLoraGguf({ adapter, baseConfig: request.baseConfig });
  await writeGgufFile(plan, request.outFile, scope);
  return describeWritten(plan);
}

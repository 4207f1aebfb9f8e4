import type { OutputPlan } from '../../domain/weights-plan.ts';
import { planSafetensorsFile } from '../safetensors/plan-file.ts';
import type { TensorSpec } from '../tensor.ts';
import { settleAliases } from '../tied-tensors.ts';
import type { QuantizedTensor } from './plan-quantized.ts';

export interface QuantizedFileRequest {
  /** Absolute and final. */
  readonly path: string;
  /** The tensors of one file of the model. */
  readonly tensors: readonly QuantizedTensor[];
  /** `tie_word_embeddings` of the model's config. */
  readonly tiesWordEmbeddings: boolean;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface QuantizedFilePlan {
  readonly output: OutputPlan;
  readonly tensors: readonly TensorSpec[];
}

/** One file of the quantized model: always safetensors, the parts of a linear where its weight was. */
export function planQuantizedFile(request: QuantizedFileRequest): QuantizedFilePlan {
  const { path, tensors, tiesWordEmbeddings } = request;
  const kept = settleAliases(
    tensors.flatMap((tensor) => ('kept' in tensor ? [tensor.kept] : [])),
    { format: 'safetensors', tiesWordEmbeddings },
  );
  const planned = [...kept.tensors, ...tensors.flatMap((tensor) => ('parts' in tensor ? tensor.parts : []))];
  // Loaders of some versions refuse a file that does not say which framework wrote it.
  const metadata = new Map([['format', 'pt'], ...request.metadata, ...kept.dropped]);
  for (const { name } of planned) metadata.delete(name);
  return { output: planSafetensorsFile(path, planned, metadata), tensors: planned };
}

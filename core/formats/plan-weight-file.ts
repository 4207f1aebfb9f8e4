import type { OutputPlan } from '../domain/weights-plan.ts';
import type { PlannedTensor } from './pieces.ts';
import { planSafetensorsFile } from './safetensors/plan-file.ts';
import { settleAliases } from './tied-tensors.ts';
import { planTorchFile } from './torch/plan-file.ts';
import type { WeightFormat } from './weight-files.ts';

export interface WeightFileRequest {
  /** Absolute and final. */
  readonly path: string;
  readonly format: WeightFormat;
  readonly tensors: readonly PlannedTensor[];
  /** `tie_word_embeddings` of the model's config. */
  readonly tiesWordEmbeddings: boolean;
  /** Kept in safetensors; `.bin` has no place for it. */
  readonly metadata?: ReadonlyMap<string, string>;
}

export interface WeightFilePlan {
  readonly output: OutputPlan;
  /** Tensors the file holds under their own name. */
  readonly names: readonly string[];
  /** Dropped name → the name whose bytes it shares. */
  readonly dropped: ReadonlyMap<string, string>;
}

/** One weight file in either format, aliases settled. */
export function planWeightFile(request: WeightFileRequest): WeightFilePlan {
  const { path, format } = request;
  const { tensors, dropped } = settleAliases(request.tensors, request);
  const names = tensors.map(({ name }) => name);
  if (format === 'bin') return { output: planTorchFile(path, tensors), names, dropped };
  // Loaders of some versions refuse a file that does not say which framework wrote it.
  const metadata = new Map([['format', 'pt'], ...(request.metadata ?? []), ...dropped]);
  for (const name of names) metadata.delete(name);
  return { output: planSafetensorsFile(path, tensors, metadata), names, dropped };
}

import { BuildFailure } from '../../domain/failures.ts';
import type { MergePiece } from '../../domain/weights-plan.ts';
import type { PlannedTensor } from '../pieces.ts';
import type { WeightTensor } from '../tensor.ts';
import type { Adapter } from './adapter-tensors.ts';
import { applyAdapter, type Merging } from './apply-adapter.ts';
import { MergeState } from './merge-state.ts';
import { settleTying, tieOutputLayer } from './tying.ts';
import { settleVocabulary, type NewRows, type Vocabulary } from './vocabulary.ts';

export interface MergeRequest {
  readonly base: readonly WeightTensor[];
  /** Applied in this order. */
  readonly adapters: readonly Adapter[];
  readonly rounding: MergePiece['rounding'];
  /** `vocab_size`, `tie_word_embeddings` and `model_type` of the base's config. */
  readonly vocabularySize: number | undefined;
  readonly tiesWordEmbeddings: boolean;
  readonly modelType?: string | undefined;
  /** Rows the tokenizer of the merged model needs; 0 when that is not known. */
  readonly rowsNeeded?: number;
  /** What to do when no adapter brings these rows. */
  readonly newRows?: NewRows;
}

export interface MergedTensor extends PlannedTensor {
  /** The base file this tensor comes from; the merged model keeps the base's shards. */
  readonly home: string;
}

export interface MergePlan {
  readonly tensors: readonly MergedTensor[];
  /** Names that received at least one change, and names that were replaced whole. */
  readonly merged: readonly string[];
  readonly replaced: readonly string[];
  /** Rows of the embedding before and after; undefined when the model has none that is known. */
  readonly vocabulary: Vocabulary | undefined;
  /** The output layer can no longer be tied to the embedding. */
  readonly unties: boolean;
  readonly warnings: readonly string[];
}

/**
 * Decides what every tensor of the merged model consists of, as peft's `merge_and_unload` would make it adapter by
 * adapter, in the base's dtype. Keys in the file say what is adapted, the config says only how. Throws AdapterMismatch or
 * AdapterUnsupported, naming key and shapes.
 */
export function planMerge(request: MergeRequest): MergePlan {
  if (request.adapters.length === 0) throw new BuildFailure('UsageInvalid', 'There is no adapter to merge');
  const tied = tieOutputLayer(request);
  const states = new Map(tied.map((tensor) => [tensor.name, new MergeState(tensor)]));
  const { vocabularySize, modelType } = request;
  const merging: Merging = { states, merged: new Set(), warnings: [], vocabularySize, modelType };
  for (const adapter of request.adapters) applyAdapter(adapter, merging);
  const replaced = [...states.values()].filter((state) => state.isReplaced).map(({ base }) => base.name);
  const { aliases, unties } = settleTying(states, request);
  if (unties)
    merging.warnings.push(
      'The adapter changes only one of embedding and output layer, so they are no longer tied',
    );
  const vocabulary = settleVocabulary({ states, aliases, ...request });
  const tensors = [...states.values()].map((state): MergedTensor => {
    const aliasOf = aliases.get(state.base.name);
    return {
      ...state.finish(request.rounding),
      home: state.base.file,
      ...(aliasOf === undefined ? {} : { aliasOf }),
    };
  });
  return { tensors, merged: [...merging.merged], replaced, vocabulary, unties, warnings: merging.warnings };
}

import { BuildFailure } from '../../domain/failures.ts';
import type { MergePiece } from '../../domain/weights-plan.ts';
import { tiesLayers } from '../embedding-names.ts';
import type { PlannedTensor } from '../pieces.ts';
import type { WeightTensor } from '../tensor.ts';
import type { Adapter } from './adapter-tensors.ts';
import { applyAdapter, type Merging } from './apply-adapter.ts';
import { checkBase, type BaseIdentity } from './base-identity.ts';
import { MergeState } from './merge-state.ts';
import { prefixResolver } from './module-prefix.ts';
import { settleTying, tieOutputLayer } from './tying.ts';
import { settleVocabulary, type NewRows, type Vocabulary } from './vocabulary.ts';

export interface MergeRequest {
  readonly base: readonly WeightTensor[];
  /** Applied in this order. */
  readonly adapters: readonly Adapter[];
  readonly rounding: MergePiece['rounding'];
  /** `vocab_size`, `tie_word_embeddings` and `model_type` of the base's config. */
  readonly vocabularySize: number | undefined;
  readonly tiesWordEmbeddings: boolean | undefined;
  readonly modelType?: string | undefined;
  /** `quantization_config` of the base's config. */
  readonly quantization?: string | undefined;
  /** Names of the base, to hold against the one each adapter was trained on. */
  readonly identity?: BaseIdentity;
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
  /** Embedding and output layer are one tensor in the merged model. */
  readonly ties: boolean;
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
  refuseQuantizedBase(request);
  const tying = { ...request, tiesWordEmbeddings: tiesLayers(request, request.base) };
  const states = new Map(tieOutputLayer(tying).map((tensor) => [tensor.name, new MergeState(tensor)]));
  const { vocabularySize, modelType, identity = {} } = request;
  const resolve = prefixResolver(modelType, new Set(states.keys()));
  const warnings = request.adapters
    .map((adapter) => checkBase(adapter, identity))
    .filter((notice) => notice !== undefined);
  const merging: Merging = { states, resolve, merged: new Set(), warnings, vocabularySize, modelType };
  for (const adapter of request.adapters) applyAdapter(adapter, merging);
  const replaced = [...states.values()].filter((state) => state.isReplaced).map(({ base }) => base.name);
  const { aliases, unties } = settleTying(states, tying);
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
  const ties = tying.tiesWordEmbeddings && !unties;
  return { tensors, merged: [...merging.merged], replaced, vocabulary, ties, unties, warnings };
}

/** Adding to codes is not adding to weights; some of them even have the dtype and shape of weights. */
function refuseQuantizedBase({ quantization }: MergeRequest): void {
  if (quantization === undefined) return;
  throw new BuildFailure(
    'AdapterUnsupported',
    `config.json of the base has quantization_config (${quantization}): its weights are codes, to which nothing can be added`,
    { hint: 'Merge into the unquantized base model.' },
  );
}

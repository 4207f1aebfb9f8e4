import { BuildFailure } from '../../domain/failures.ts';
import { isEmbedding, isOutputLayer } from '../embedding-names.ts';
import type { MergeState } from './merge-state.ts';

export type NewRows = 'refuse' | 'mean';

/** Rows of the embedding. */
export interface Vocabulary {
  readonly before: number;
  readonly after: number;
  /** Rows that no adapter brought: each the mean of the others. */
  readonly averaged: number;
}

interface VocabularyRequest {
  readonly states: ReadonlyMap<string, MergeState>;
  /** Names whose bytes another tensor holds. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly vocabularySize: number | undefined;
  readonly rowsNeeded?: number;
  readonly newRows?: NewRows;
}

/**
 * Embedding and output layer must end with equally many rows, at least as many as the tokenizer needs: AdapterMismatch
 * otherwise, unless the missing rows are asked for as means. Random rows, which transformers draws, would give another
 * model at every rerun.
 */
export function settleVocabulary(request: VocabularyRequest): Vocabulary | undefined {
  const { states, aliases, rowsNeeded = 0, newRows = 'refuse' } = request;
  const layers = [...states.values()].filter(
    ({ base }) => isEmbedding(base.name) || isOutputLayer(base.name),
  );
  const owners = layers.filter(({ base }) => !aliases.has(base.name));
  const brought = measure(request, owners);
  if (brought === undefined || rowsNeeded <= brought.after)
    return brought === undefined ? undefined : { ...brought, averaged: 0 };
  if (newRows === 'refuse' || owners.length === 0) {
    throw new BuildFailure(
      'AdapterMismatch',
      `The adapter's tokenizer needs ${rowsNeeded} embedding rows, the merged model has ${brought.after}`,
      {
        hint: 'Train with the embedding and the output layer in modules_to_save, or ask for new rows as the mean of the others.',
      },
    );
  }
  const bias = [...states.keys()].find(
    (name) => isOutputLayer(name.replace(/\.bias$/, '.weight')) && name.endsWith('.bias'),
  );
  if (bias !== undefined) throw new BuildFailure('AdapterUnsupported', `${bias} would need new rows as well`);
  for (const layer of layers) layer.growTo(rowsNeeded);
  return { before: brought.before, after: rowsNeeded, averaged: rowsNeeded - brought.after };
}

function measure(
  { states, vocabularySize }: VocabularyRequest,
  layers: readonly MergeState[],
): { readonly before: number; readonly after: number } | undefined {
  const grown = [...states.values()].find(({ base, shape }) => shape[0] !== base.shape[0]);
  // Padding is stored but not always stated: the rows that are there count, and none is ever taken away.
  const before = layers[0]?.base.shape[0] ?? vocabularySize;
  if (before === undefined) return undefined;
  const after = grown?.shape[0] ?? before;
  const left = grown === undefined ? undefined : layers.find(({ shape }) => shape[0] !== after);
  if (left === undefined) return { before, after };
  throw new BuildFailure(
    'AdapterMismatch',
    `The adapter brings ${after} rows for ${grown?.base.name}, but ${left.base.name} has ${left.shape[0]}`,
    { hint: 'Train with both embedding and output layer in modules_to_save.' },
  );
}

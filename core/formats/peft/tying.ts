import { BuildFailure } from '../../domain/failures.ts';
import type { WeightTensor } from '../tensor.ts';
import { isEmbedding, isOutputLayer, outputLayerOf } from '../embedding-names.ts';
import type { Adapter } from './adapter-tensors.ts';
import type { MergeState } from './merge-state.ts';

/** The module of an adapter's key, as far as it can be told without the base. */
const moduleOfKey =
  /^base_model\.model\.(.+?)\.(?:lora_|trainable_tokens_|token_adapter\.|modules_to_save|original_module|base_layer|weight$|bias$)/;

function vocabularyModuleOf(key: string): string | undefined {
  const module = moduleOfKey.exec(key)?.[1];
  const weight = `${module}.weight`;
  return module !== undefined && (isEmbedding(weight) || isOutputLayer(weight)) ? module : undefined;
}

interface TyingRequest {
  readonly base: readonly WeightTensor[];
  readonly adapters: readonly Adapter[];
  readonly tiesWordEmbeddings: boolean;
}

/**
 * A tied base often stores only the embedding. If an adapter touches either side, both are needed by name: the output
 * layer is added, or taken to be, an alias of the embedding, because that is how loaders read such a base.
 */
export function tieOutputLayer({
  base,
  adapters,
  tiesWordEmbeddings,
}: TyingRequest): readonly WeightTensor[] {
  const embedding = base.find(({ name }) => isEmbedding(name));
  if (!tiesWordEmbeddings || embedding === undefined || !adapters.some(touchesVocabulary)) return base;
  const { aliasOf: _, ...owner } = embedding;
  const head = base.find(({ name }) => isOutputLayer(name));
  const alias: WeightTensor = {
    ...owner,
    name: head?.name ?? nameOutputLayer(adapters, owner.name),
    aliasOf: owner.name,
  };
  const others = base
    .filter((tensor) => tensor !== head)
    .map((tensor) => (tensor === embedding ? owner : tensor));
  return [...others, alias];
}

/** As an adapter calls it; otherwise as models with such an embedding do. */
function nameOutputLayer(adapters: readonly Adapter[], embeddingName: string): string {
  const names = adapters.flatMap(({ tensors }) =>
    tensors.map(({ name }) => `${vocabularyModuleOf(name)}.weight`),
  );
  return names.find(isOutputLayer) ?? outputLayerOf(embeddingName);
}

function touchesVocabulary({ tensors }: Adapter): boolean {
  return tensors.some(({ name }) => vocabularyModuleOf(name) !== undefined);
}

export interface SettledTying {
  /** Name → the name whose bytes it still shares. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly unties: boolean;
}

/** An alias survives while neither side was touched, or while an adapter that kept the tie changed its owner. */
export function settleTying(states: ReadonlyMap<string, MergeState>, request: TyingRequest): SettledTying {
  const aliases = new Map<string, string>();
  let unties = false;
  for (const { owner, alias } of pairsOf(states)) {
    if (staysTied(owner, alias, request)) aliases.set(alias.base.name, owner.base.name);
    else unties ||= request.tiesWordEmbeddings && isOutputLayer(alias.base.name);
  }
  return { aliases, unties };
}

function pairsOf(states: ReadonlyMap<string, MergeState>): { owner: MergeState; alias: MergeState }[] {
  return [...states.values()].flatMap((alias) => {
    const owner = alias.base.aliasOf === undefined ? undefined : states.get(alias.base.aliasOf);
    return owner === undefined ? [] : [{ owner, alias }];
  });
}

function staysTied(owner: MergeState, alias: MergeState, request: TyingRequest): boolean {
  if (!keepsTie(request)) return owner.equals(alias);
  if (!alias.isTouched) return true;
  throw new BuildFailure(
    'AdapterUnsupported',
    `The adapter keeps ${alias.base.name} tied to ${owner.base.name}, but brings its own tensor for it`,
  );
}

function keepsTie({ adapters }: TyingRequest): boolean {
  return (
    adapters
      .filter(touchesVocabulary)
      .every((adapter) => adapter.config.keepsTying || onlyTrainsRows(adapter)) &&
    adapters.some(touchesVocabulary)
  );
}

/** peft gives such rows to the output layer as well when it is tied (peft tuners/tuners_utils.py, tied weights). */
function onlyTrainsRows({ tensors }: Adapter): boolean {
  return tensors
    .filter(({ name }) => vocabularyModuleOf(name) !== undefined)
    .every(({ name }) => /\.trainable_tokens_(?:delta|original)$/.test(name));
}

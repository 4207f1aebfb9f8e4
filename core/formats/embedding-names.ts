import type { TensorSpec } from './tensor.ts';

/**
 * What the architectures of transformers and the original releases call the two layers that have a row for each token.
 * Output layers other than `lm_head` stand at the top: deeper down `output` and `head` are something else.
 */
const embedding =
  /(?:^|\.)(?:embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|tokens_embed|embeddings)\.weight$/;
const outputLayer =
  /(?:(?:^|\.)lm_head|^(?:[\w-]+\.)?(?:embed_out|output_projection)|^(?:language_model\.)?output|^head)\.weight$/;

export function isEmbedding(name: string): boolean {
  return embedding.test(name);
}

export function isOutputLayer(name: string): boolean {
  return outputLayer.test(name);
}

/** The output layers that are not called `lm_head`, by what their models call the embedding. */
const partners: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)embed_in\.weight$/, 'embed_out.weight'],
  [/(?:^|\.)tok_embeddings\.weight$/, 'output.weight'],
  [/^biogpt\.embed_tokens\.weight$/, 'output_projection.weight'],
  [/^rwkv\.embeddings\.weight$/, 'head.weight'],
  // A language model inside a wrapper that came before transformers moved the trunk (4.52).
  [/^language_model\.model\./, 'language_model.lm_head.weight'],
];

/** The name of the output layer that a model with this embedding would store if it were not tied. */
export function outputLayerOf(embeddingName: string): string {
  return partners.find(([pattern]) => pattern.test(embeddingName))?.[1] ?? 'lm_head.weight';
}

/** Architectures that tie both layers unless their config says otherwise (the defaults of transformers 5.17). */
const tiedByDefault: ReadonlySet<string> = new Set(
  [
    'gpt2 gpt_neo gpt_bigcode opt bloom falcon mpt openai-gpt ctrl xglm biogpt',
    'gemma gemma2 gemma3 gemma3_text starcoder2 cohere cohere2 smollm3 mamba',
  ].flatMap((names) => names.split(' ')),
);

export interface StatedTying {
  /** `tie_word_embeddings`; undefined when the config leaves it to the architecture. */
  readonly tiesWordEmbeddings: boolean | undefined;
  readonly modelType?: string | undefined;
}

interface StoredTensor extends Pick<TensorSpec, 'name'> {
  readonly aliasOf?: string;
}

/**
 * Whether embedding and output layer are one. Where the config is silent a model without an output layer can only be meant
 * so; with one of its own it is not tied, whatever the architecture's default (transformers `tie_weights` leaves two
 * stored tensors with different values apart).
 */
export function tiesLayers(stated: StatedTying, tensors: readonly StoredTensor[]): boolean {
  if (stated.tiesWordEmbeddings !== undefined) return stated.tiesWordEmbeddings;
  const head = tensors.find(({ name }) => isOutputLayer(name));
  if (head === undefined) return tensors.some(({ name }) => isEmbedding(name));
  const shares = head.aliasOf !== undefined || tensors.some(({ aliasOf }) => aliasOf === head.name);
  return shares && tiedByDefault.has(stated.modelType ?? '');
}

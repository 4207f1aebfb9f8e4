import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';

/** What a token is to a tokenizer that matches text: the classes SentencePiece names (`ModelProto.SentencePiece.Type`). */
export type TokenClass = 'normal' | 'unknown' | 'control' | 'user' | 'unused' | 'byte';

export interface VocabularyToken {
  readonly text: string;
  readonly class: TokenClass;
  /** Higher merges first; only SentencePiece vocabularies have scores. */
  readonly score: number;
}

export const specialRoles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
export type SpecialRole = (typeof specialRoles)[number];

/** A tokenizer as toolchains need it: what a folder's several files say, resolved. */
export interface Vocabulary {
  /** `bpe`: byte-level BPE with a list of merges. `spm`: SentencePiece BPE with scores. */
  readonly kind: 'bpe' | 'spm';
  /** llama.cpp's name of the rule that cuts text into words. */
  readonly preTokenizer: string;
  /** Index is id; as many as the model has embedding rows. */
  readonly tokens: readonly VocabularyToken[];
  /** "left right", in order of priority; empty for `spm`. */
  readonly merges: readonly string[];
  readonly special: ReadonlyMap<SpecialRole, number>;
  /** Whether bos / eos is added around a text; absent when nothing says so. */
  readonly addBos?: boolean;
  readonly addEos?: boolean;
  /** Whether a space is put before a text; absent when nothing says so. */
  readonly addSpacePrefix?: boolean;
  /** The one named `default` is used unless another is asked for. */
  readonly chatTemplates: readonly { readonly name: string; readonly template: string }[];
}

/** The tokenizer files of a model folder in Hugging Face layout, parsed as JSON where they are JSON. */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer?: Json;
  /** `tokenizer_config.json` */
  readonly config?: Json;
  /** `added_tokens.json`: text → id */
  readonly addedTokens?: Json;
  /** `chat_template.jinja`, or the member of `chat_template.json` */
  readonly chatTemplate?: string;
  /** `tokenizer.model`: a SentencePiece ModelProto */
  readonly sentencePiece?: Uint8Array;
}

/** What the model's own config.json says about tokens. */
export interface ModelTokens {
  /** Rows of the embedding matrix. */
  readonly vocabularySize: number;
  /** config.json, read for `bos_token_id` and its like. */
  readonly config: Json;
}

export function tokenizerUnsupported(message: string, hint?: string): BuildFailure {
  return new BuildFailure('TokenizerUnsupported', message, hint === undefined ? {} : { hint });
}

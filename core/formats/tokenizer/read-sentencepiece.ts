import { asObject, countMember } from './json-members.ts';
import { classOfAdded, readAddedTokens, textOfAdded } from './added-tokens.ts';
import { parseSentencePieceModel } from './sentencepiece-model.ts';
import { readSpecialTokens } from './special-tokens.ts';
import {
  type ModelTokens,
  type TokenClass,
  type TokenizerFiles,
  tokenizerUnsupported,
  type Vocabulary,
  type VocabularyToken,
} from './vocabulary.ts';

// `ModelProto.SentencePiece.Type`; user-defined pieces (4) count as normal, as in llama.cpp's own converter.
const classes: readonly (TokenClass | undefined)[] = [
  undefined,
  'normal',
  'unknown',
  'control',
  'normal',
  'unused',
  'byte',
];
const bpe = 2;
// Below every trained score, so that they never win a merge.
const addedScore = -1000;
const absentScore = -10000;

/**
 * SentencePiece BPE from tokenizer.model, with the added tokens of the JSON files beside it. Unigram models and models
 * that rewrite text first are TokenizerUnsupported, because llama.cpp's `llama` tokenizer merges by score and rewrites
 * nothing.
 */
export function readSentencePieceVocabulary(
  bytes: Uint8Array,
  files: TokenizerFiles,
  model: ModelTokens,
): Vocabulary {
  const parsed = parseSentencePieceModel(bytes);
  if (parsed.modelType !== bpe) throw tokenizerUnsupported('tokenizer.model is not a BPE model');
  if (parsed.hasCharacterMap)
    throw tokenizerUnsupported('tokenizer.model rewrites characters before it cuts text');
  const tokens: VocabularyToken[] = [];
  for (let id = 0; id < model.vocabularySize; id += 1) {
    const piece = parsed.pieces[id];
    tokens.push(
      piece === undefined
        ? { text: `[PAD${id}]`, class: 'unused', score: absentScore }
        : { text: piece.piece, class: classes[piece.type] ?? 'normal', score: piece.score },
    );
  }
  addTokens(tokens, files);
  const special = readSpecialTokens(files, model, readAddedTokens(files));
  const prefix = parsed.addDummyPrefix ? {} : { addSpacePrefix: false };
  return { kind: 'spm', preTokenizer: 'default', tokens, merges: [], ...prefix, ...special };
}

/** Ids beyond the embedding rows cannot be used and are left out; SentencePiece folders often carry such leftovers. */
function addTokens(tokens: VocabularyToken[], files: TokenizerFiles): void {
  const legacy = asObject(files.addedTokens) ?? {};
  for (const text of Object.keys(legacy)) {
    const id = countMember(legacy, text);
    if (id !== undefined && id < tokens.length) tokens[id] = { text, class: 'user', score: addedScore };
  }
  const decoder: TokenizerFiles = files.config === undefined ? {} : { config: files.config };
  for (const token of readAddedTokens(decoder).values()) {
    if (token.id < tokens.length)
      tokens[token.id] = { text: textOfAdded(token), class: classOfAdded(token), score: addedScore };
  }
}

import { readBpeVocabulary } from './read-bpe.ts';
import { readSentencePieceVocabulary } from './read-sentencepiece.ts';
import {
  type ModelTokens,
  type TokenizerFiles,
  tokenizerUnsupported,
  type Vocabulary,
} from './vocabulary.ts';

/** A model folder's tokenizer: tokenizer.model where there is one, else tokenizer.json. TokenizerUnsupported if neither. */
export function readVocabulary(files: TokenizerFiles, model: ModelTokens): Vocabulary {
  if (files.sentencePiece !== undefined)
    return readSentencePieceVocabulary(files.sentencePiece, files, model);
  if (files.tokenizer !== undefined) return readBpeVocabulary(files, model);
  throw tokenizerUnsupported('the model folder has neither tokenizer.json nor tokenizer.model');
}

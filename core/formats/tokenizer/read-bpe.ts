import type { Json } from '../../domain/json.ts';
import { classOfAdded, readAddedTokens, readSpecialTexts, textOfAdded } from './added-tokens.ts';
import { asList, asObject, countMember, flagMember, memberOf, textMember } from './json-members.ts';
import { recognisePreTokenizer } from './pre-tokenizers.ts';
import { readSpecialTokens } from './special-tokens.ts';
import {
  type ModelTokens,
  type TokenizerFiles,
  tokenizerUnsupported,
  type Vocabulary,
  type VocabularyToken,
} from './vocabulary.ts';

/**
 * Byte-level BPE from tokenizer.json (format: huggingface/tokenizers, `Tokenizer` serialised). Ids no token has become
 * `[PAD…]`, so there are as many tokens as embedding rows. Anything llama.cpp would cut differently is
 * TokenizerUnsupported; a Unicode NFC normalizer is accepted although llama.cpp leaves it out, as its own converter does.
 */
export function readBpeVocabulary(files: TokenizerFiles, model: ModelTokens): Vocabulary {
  const tokenizer = files.tokenizer ?? null;
  const bpe = memberOf(tokenizer, 'model');
  checkModel(bpe);
  checkNormalizer(memberOf(tokenizer, 'normalizer') ?? null);
  const preTokenizer = recognisePreTokenizer(tokenizer);
  const added = new Map(readAddedTokens(files));
  const byId = idsOf(bpe);
  // A special token that is part of the trained vocabulary is still never to come out of user text.
  const named = new Set(readSpecialTexts(files.config).values());
  for (const [id, text] of byId) {
    if (named.has(text) && !added.has(id)) added.set(id, { id, text, special: true });
  }
  const tokens: VocabularyToken[] = [];
  for (let id = 0; id < model.vocabularySize; id += 1) {
    const token = added.get(id);
    const text = byId.get(id);
    if (token !== undefined) tokens.push({ text: textOfAdded(token), class: classOfAdded(token), score: 0 });
    else if (text !== undefined) tokens.push({ text, class: 'normal', score: 0 });
    else tokens.push({ text: `[PAD${id}]`, class: 'unused', score: 0 });
  }
  checkRange([...byId.keys(), ...added.keys()], model.vocabularySize);
  return {
    kind: 'bpe',
    preTokenizer,
    tokens,
    merges: readMerges(bpe),
    ...readSpecialTokens(files, model, added),
  };
}

function checkModel(bpe: Json | undefined): void {
  const type = textMember(bpe, 'type');
  if (type !== 'BPE') throw tokenizerUnsupported(`tokenizer.json is of type ${type ?? 'unknown'}, not BPE`);
  if (flagMember(bpe, 'byte_fallback') === true) {
    throw tokenizerUnsupported(
      'tokenizer.json is a converted SentencePiece model',
      'Put the original tokenizer.model beside it.',
    );
  }
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout']) {
    const value = memberOf(bpe, key) ?? null;
    if (value !== null && value !== '' && value !== 0) {
      throw tokenizerUnsupported(`tokenizer.json sets ${key}, which llama.cpp does not have`);
    }
  }
}

function checkNormalizer(normalizer: Json): void {
  if (normalizer === null) return;
  const type = textMember(normalizer, 'type');
  if (type === 'NFC') return;
  if (type === 'Sequence') asList(memberOf(normalizer, 'normalizers')).forEach(checkNormalizer);
  else
    throw tokenizerUnsupported(
      `the normalizer ${type ?? 'of tokenizer.json'} has no equivalent in llama.cpp`,
    );
}

function idsOf(bpe: Json | undefined): Map<number, string> {
  const vocabulary = asObject(memberOf(bpe, 'vocab'));
  if (vocabulary === undefined) throw tokenizerUnsupported('tokenizer.json has no vocabulary');
  const byId = new Map<number, string>();
  for (const text of Object.keys(vocabulary)) {
    const id = countMember(vocabulary, text);
    if (id === undefined) throw tokenizerUnsupported(`the token ${JSON.stringify(text)} has no id`);
    byId.set(id, text);
  }
  return byId;
}

function checkRange(ids: readonly number[], vocabularySize: number): void {
  const beyond = ids.find((id) => id >= vocabularySize);
  if (beyond === undefined) return;
  throw tokenizerUnsupported(
    `the tokenizer has the id ${beyond}, but the model has only ${vocabularySize} embedding rows`,
    'Use the tokenizer that belongs to the model, or one its adapter brought along.',
  );
}

/** Merges are pairs since tokenizers 0.20, one text before. A space inside a part is written as byte-level BPE writes it. */
function readMerges(bpe: Json | undefined): string[] {
  return asList(memberOf(bpe, 'merges')).map((merge) => {
    if (typeof merge === 'string') return merge;
    const [left, right, ...others] = asList(merge);
    if (typeof left !== 'string' || typeof right !== 'string' || others.length > 0) {
      throw tokenizerUnsupported('tokenizer.json has a merge that is no pair');
    }
    return `${left.replaceAll(' ', '\u0120')} ${right.replaceAll(' ', '\u0120')}`;
  });
}

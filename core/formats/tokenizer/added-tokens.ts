import type { Json } from '../../domain/json.ts';
import { asList, asObject, countMember, flagMember, memberOf, textMember } from './json-members.ts';
import { type SpecialRole, specialRoles, type TokenClass, type TokenizerFiles } from './vocabulary.ts';

export interface AddedToken {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
}

/**
 * Tokens outside the trained vocabulary, by id. tokenizer.json wins over `added_tokens_decoder` of
 * tokenizer_config.json, that over added_tokens.json: the order in which transformers loads them.
 */
export function readAddedTokens(files: TokenizerFiles): ReadonlyMap<number, AddedToken> {
  const added = new Map<number, AddedToken>();
  const decoder = asObject(memberOf(files.config, 'added_tokens_decoder')) ?? {};
  const candidates = [
    ...asList(memberOf(files.tokenizer, 'added_tokens')).map((entry) =>
      addedToken(entry, countMember(entry, 'id')),
    ),
    ...Object.entries(decoder).map(([id, entry]) => addedToken(entry, Number(id))),
    ...Object.keys(asObject(files.addedTokens) ?? {}).map((text) => ({
      id: countMember(files.addedTokens, text),
      text,
      special: false,
    })),
  ];
  for (const { id, text, special } of candidates) {
    if (id !== undefined && Number.isSafeInteger(id) && text !== undefined && !added.has(id))
      added.set(id, { id, text, special });
  }
  return added;
}

/** Control tokens never come out of user text; the others are matched in it as written. */
export function classOfAdded(token: AddedToken): TokenClass {
  return token.special || looksSpecial(token.text) ? 'control' : 'user';
}

/** How llama.cpp wants an added token written: spaces, not SentencePiece's mark for them. */
export function textOfAdded(token: AddedToken): string {
  return classOfAdded(token) === 'user' ? token.text.replaceAll('\u2581', ' ') : token.text;
}

/** The texts tokenizer_config.json gives the special roles. */
export function readSpecialTexts(config: Json | undefined): ReadonlyMap<SpecialRole, string> {
  const texts = new Map<SpecialRole, string>();
  for (const role of specialRoles) {
    const member = memberOf(config, `${role}_token`);
    const text = typeof member === 'string' ? member : textMember(member, 'content');
    if (text !== undefined) texts.set(role, text);
  }
  return texts;
}

// Some models forget to mark these as special (ggml-org/llama.cpp conversion/base.py, `does_token_look_special`).
const forgotten = new Set(['<pad>', '<mask>', '<2mass>', '[@BOS@]']);
const shapes = [/^<\|.*\|>$/su, /^<\uFF5C.*\uFF5C>$/su, /^<unused.*>$/su];

function looksSpecial(text: string): boolean {
  return forgotten.has(text) || shapes.some((shape) => shape.test(text));
}

function addedToken(entry: Json, id: number | undefined) {
  return { id, text: textMember(entry, 'content'), special: flagMember(entry, 'special') ?? false };
}

/** The files that make a tokenizer (transformers `PreTrainedTokenizerBase.save_pretrained`, SentencePiece models). */
const tokenizerFile =
  /^(?:tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|chat_template\.(?:jinja|json)|vocab\.(?:json|txt)|merges\.txt|[^/]+\.model)$/;
const vocabularyFile = /^(?:tokenizer\.json|vocab\.(?:json|txt)|[^/]+\.model)$/;

/** Token id → its text. */
export type TokenTexts = ReadonlyMap<number, string>;

export function isTokenizerFile(name: string): boolean {
  return tokenizerFile.test(name);
}

/** Whether a folder has a tokenizer of its own and not only settings for one. */
export function bringsVocabulary(names: readonly string[]): boolean {
  return names.some((name) => vocabularyFile.test(name));
}

/** Whether a file belongs to a vocabulary: of another one it would be wrong. */
export function isVocabularyPart(name: string): boolean {
  return vocabularyFile.test(name) || name === 'merges.txt' || name === 'added_tokens.json';
}

/** Pieces of a SentencePiece model, in the order of their ids, as a tokenizer.json would have them. */
export function vocabularyOfPieces(pieces: readonly { readonly piece: string }[]): object {
  return { model: { vocab: pieces.map(({ piece }) => piece) } };
}

/** A vocab.txt, a token on each line in the order of their ids, as a tokenizer.json would have it. */
export function vocabularyOfLines(text: string): object {
  return { model: { vocab: text.replace(/\r?\n$/, '').split(/\r?\n/) } };
}

/** Token id → its text, from a parsed `tokenizer.json` and `added_tokens.json`; whatever is malformed is passed over. */
export function readVocabulary(tokenizer: unknown, addedTokens: unknown): Map<number, string> {
  const vocabulary = new Map<number, string>();
  const model = memberOf(memberOf(tokenizer, 'model'), 'vocab');
  if (Array.isArray(model))
    model.forEach((entry, id) => addToken(vocabulary, id, Array.isArray(entry) ? entry[0] : entry));
  else for (const [text, id] of Object.entries(asObject(model))) addToken(vocabulary, id, text);
  const added = memberOf(tokenizer, 'added_tokens');
  for (const entry of Array.isArray(added) ? added : [])
    addToken(vocabulary, memberOf(entry, 'id'), memberOf(entry, 'content'));
  for (const [text, id] of Object.entries(asObject(addedTokens))) addToken(vocabulary, id, text);
  return vocabulary;
}

/** Rows an embedding needs for every id of a vocabulary. */
export function rowsNeeded(vocabulary: ReadonlyMap<number, string>): number {
  let highest = -1;
  for (const id of vocabulary.keys()) highest = Math.max(highest, id);
  return highest + 1;
}

/** The first id that means something else in `later` than in `earlier`; undefined when `later` only adds. */
export function findConflict(
  earlier: ReadonlyMap<number, string>,
  later: ReadonlyMap<number, string>,
): number | undefined {
  for (const [id, text] of earlier) if (later.get(id) !== text) return id;
  return undefined;
}

function addToken(vocabulary: Map<number, string>, id: unknown, text: unknown): void {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && typeof text === 'string')
    vocabulary.set(id, text);
}

function memberOf(value: unknown, key: string): unknown {
  return asObject(value)[key];
}

function asObject(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

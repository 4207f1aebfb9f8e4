/** After these a dot does not end a sentence. */
const abbreviations = new Set(
  (
    'mr mrs ms dr prof rev sen rep gov gen col capt lt sgt st jr sr vs etc inc ltd co corp no dept est approx ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e u.s u.k u.n a.m p.m d.c'
  ).split(' '),
);

/**
 * Cuts English text into sentences at . ! ? followed by white space, unless an abbreviation or an initial goes
 * before, or a lower-case letter follows. A stand-in for NLTK's trained Punkt model, which needs its data file;
 * the two agree on plain prose but not on every abbreviation.
 */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const match of text.matchAll(/[.!?]+["'”’)\]]*\s+/g)) {
    const end = match.index + match[0].length;
    if (!endsSentence(text.slice(start, match.index), match[0], text.slice(end, end + 1))) continue;
    sentences.push(text.slice(start, end).trimEnd());
    start = end;
  }
  const rest = text.slice(start).trimEnd();
  return rest === '' ? sentences : [...sentences, rest];
}

function endsSentence(before: string, mark: string, next: string): boolean {
  if (/\p{Ll}/u.test(next)) return false;
  if (!mark.startsWith('.')) return true;
  const word = /\S*$/.exec(before)?.[0].replace(/^["'“‘([]+/, '') ?? '';
  return !abbreviations.has(word.toLowerCase()) && !/^\p{Lu}$/u.test(word);
}

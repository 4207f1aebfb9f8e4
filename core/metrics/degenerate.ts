/** Why a text is no answer, or null. Looks only at the text, so a bad but fluent answer passes. */
export function findDegeneration(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '') return 'the text is empty';
  return checks.reduce<string | null>((reason, check) => reason ?? check(trimmed), null);
}

const checks = [findReplacementCharacters, findRepeatedCharacter, findLoop];

/** A broken tokenizer or vocabulary shows as U+FFFD; one may stand at a cut-off end. */
function findReplacementCharacters(text: string): string | null {
  const count = text.split('\uFFFD').length - 1;
  const { length } = Array.from(text);
  return count >= 3 && count / length > 0.01
    ? `${count} of ${length} characters are replacement characters (U+FFFD)`
    : null;
}

function findRepeatedCharacter(text: string): string | null {
  const run = /(\S)\1{39,}/u.exec(text);
  return run === null
    ? null
    : `the character ${JSON.stringify(run[1])} is repeated ${Array.from(run[0]).length} times`;
}

/** Fewer words than this say too little about repetition. */
const fewestWords = 24;
/** A phrase counts as a loop when it fills this share of the words, back to back. */
const loopShare = 0.6;
const longestPhrase = 16;

/**
 * A phrase of 1 to 16 words that repeats without a break over most of the text. Words are white-space separated;
 * text without spaces (Chinese) is taken by characters. Shared prefixes or lists do not count: the copies must be
 * adjacent and equal.
 */
function findLoop(text: string): string | null {
  const words = splitUnits(text);
  if (words.length < fewestWords) return null;
  for (let period = 1; period <= longestPhrase; period++) {
    const { start, length } = longestPeriodicRun(words, period);
    const copies = Math.floor(length / period);
    if (length < loopShare * words.length || copies < 4) continue;
    const phrase = words.slice(start, start + period).join(isSpaced(text) ? ' ' : '');
    return `the phrase ${JSON.stringify(phrase)} is repeated ${copies} times`;
  }
  return null;
}

function isSpaced(text: string): boolean {
  return text.split(/\s+/).length * 20 > text.length;
}

function splitUnits(text: string): string[] {
  return isSpaced(text) ? text.split(/\s+/) : Array.from(text.replaceAll(/\s+/g, ''));
}

/** Longest stretch in which every word equals the one `period` words before it, the first copy included. */
function longestPeriodicRun(words: readonly string[], period: number): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = period; i < words.length; i++) {
    if (words[i] !== words[i - period]) start = i - period + 1;
    else if (i - start + 1 > best.length) best = { start, length: i - start + 1 };
  }
  return best;
}

/**
 * Porter's algorithm (Program 14(3), 1980) as NLTK's `PorterStemmer` runs it in its default NLTK_EXTENSIONS mode,
 * which differs from the paper in a pool of irregular words, in -ies/-ied, -y, and in a few suffixes. rouge_score
 * uses exactly that stemmer, so other Porter implementations give other scores.
 */
export function stemWord(word: string): string {
  const irregular = irregularStems.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length <= 2) return word;
  const steps = [
    dropPlural,
    dropPastAndProgressive,
    turnFinalY,
    shortenDoubleSuffix,
    shortenSuffix,
    dropSuffix,
  ];
  return dropDoubleL(dropFinalE(steps.reduce((stem, step) => step(stem), word)));
}

const irregularStems = new Map(
  [
    ['sky', 'sky skies'],
    ['die', 'dying'],
    ['lie', 'lying'],
    ['tie', 'tying'],
    ['news', 'news'],
    ['inning', 'innings inning'],
    ['outing', 'outings outing'],
    ['canning', 'cannings canning'],
    ['howe', 'howe'],
    ['proceed', 'proceed'],
    ['exceed', 'exceed'],
    ['succeed', 'succeed'],
  ].flatMap(([stem = '', words = '']) => words.split(' ').map((word) => [word, stem] as const)),
);

/** `c` for a consonant, `v` for a vowel, per letter; y is a vowel after a consonant. Digits are consonants. */
function letterKinds(word: string): string {
  let kinds = '';
  for (const letter of word) {
    const isVowel = letter === 'y' ? kinds.endsWith('c') : 'aeiou'.includes(letter);
    kinds += isVowel ? 'v' : 'c';
  }
  return kinds;
}

/** Porter's m: how often vowels are followed by consonants. */
function measure(stem: string): number {
  return letterKinds(stem).match(/v+c+/g)?.length ?? 0;
}

const isMeasured = (stem: string): boolean => measure(stem) > 0;
const isLong = (stem: string): boolean => measure(stem) > 1;
const hasVowel = (stem: string): boolean => letterKinds(stem).includes('v');

/** Porter's *o, and with NLTK also a two-letter vowel-consonant stem. */
function endsShort(stem: string): boolean {
  const kinds = letterKinds(stem);
  return kinds === 'vc' || (kinds.endsWith('cvc') && !/[wxy]$/.test(stem));
}

interface SuffixRule {
  readonly suffix: string;
  readonly replacement: string;
  readonly holds: (stem: string) => boolean;
}

/** The first rule whose suffix fits decides, even when its condition then keeps the word as it is. */
function applyFirst(word: string, rules: readonly SuffixRule[]): string {
  const rule = rules.find(({ suffix }) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const stem = word.slice(0, word.length - rule.suffix.length);
  return rule.holds(stem) ? stem + rule.replacement : word;
}

/** `suffix>replacement` pairs under one condition. */
function suffixRules(pairs: string, holds: (stem: string) => boolean): SuffixRule[] {
  return pairs.split(' ').map((pair) => {
    const [suffix = '', replacement = ''] = pair.split('>');
    return { suffix, replacement, holds };
  });
}

const plurals = suffixRules('sses>ss ies>i ss>ss s>', () => true);

function dropPlural(word: string): string {
  if (word.length === 4 && word.endsWith('ies')) return word.slice(0, -1);
  return applyFirst(word, plurals);
}

function dropPastAndProgressive(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith('eed')) return isMeasured(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const ending = ['ed', 'ing'].find(
    (suffix) => word.endsWith(suffix) && hasVowel(word.slice(0, -suffix.length)),
  );
  return ending === undefined ? word : mendStem(word.slice(0, -ending.length));
}

/** Gives back an e, or drops a doubled consonant, after -ed or -ing is gone. */
function mendStem(stem: string): string {
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/(.)\1$/.test(stem) && letterKinds(stem).endsWith('c'))
    return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

function turnFinalY(word: string): string {
  const stem = word.slice(0, -1);
  return word.endsWith('y') && stem.length > 1 && letterKinds(stem).endsWith('c') ? `${stem}i` : word;
}

const doubleSuffixes = [
  ...suffixRules(
    'ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ' +
      'ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive ' +
      'biliti>ble fulli>ful',
    isMeasured,
  ),
  // The l belongs to the measured part: only so `geologi` keeps its measure.
  { suffix: 'logi', replacement: 'log', holds: (stem: string) => isMeasured(`${stem}l`) },
];

function shortenDoubleSuffix(word: string): string {
  if (word.endsWith('alli') && isMeasured(word.slice(0, -4))) return shortenDoubleSuffix(word.slice(0, -2));
  return applyFirst(word, doubleSuffixes);
}

const suffixes = suffixRules('icate>ic ative> alize>al iciti>ic ical>ic ful> ness>', isMeasured);

function shortenSuffix(word: string): string {
  return applyFirst(word, suffixes);
}

const endings = [
  ...suffixRules('al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>', isLong),
  { suffix: 'ion', replacement: '', holds: (stem: string) => isLong(stem) && /[st]$/.test(stem) },
  ...suffixRules('ou> ism> ate> iti> ous> ive> ize>', isLong),
];

function dropSuffix(word: string): string {
  return applyFirst(word, endings);
}

function dropFinalE(word: string): string {
  if (!word.endsWith('e')) return word;
  const stem = word.slice(0, -1);
  const m = measure(stem);
  return m > 1 || (m === 1 && !endsShort(stem)) ? stem : word;
}

function dropDoubleL(word: string): string {
  return word.endsWith('ll') && isLong(word.slice(0, -1)) ? word.slice(0, -1) : word;
}

import { stemWord } from './porter-stemmer.ts';

/** How a text becomes the tokens ROUGE counts. */
export interface RougeTokenizer {
  readonly id: string;
  readonly title: string;
  /** Whether `stem` has an effect. */
  readonly canStem: boolean;
  readonly tokenize: (text: string, options: { readonly stem: boolean }) => string[];
  /** Units of ROUGE-Lsum; may hold empty strings. */
  readonly splitLines: (text: string) => string[];
  /** A letter this tokenizer keeps, or one of a script that loses little when it is dropped (é in Latin text). */
  readonly reads: RegExp;
}

/**
 * rouge_score's default: lower case, runs of a–z and 0–9; everything else separates. Stems words of more than
 * three letters only. Source: google-research/google-research, rouge/tokenize.py.
 */
const asciiWords: RougeTokenizer = {
  id: 'ascii-words',
  title: 'runs of a–z and 0–9',
  canStem: true,
  tokenize: (text, { stem }) => {
    const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return stem ? words.map((word) => (word.length > 3 ? stemWord(word) : word)) : [...words];
  },
  splitLines: (text) => text.split('\n'),
  reads: /\p{Script=Latin}/u,
};

/**
 * Each Han character is a token, each run of a–z and 0–9 is one; punctuation separates. Customary for Chinese
 * summaries (LCSTS), needs no segmenter. Sentences also end at 。！？；.
 */
const zhChar: RougeTokenizer = {
  id: 'zh-char',
  title: 'single Han characters, runs of a–z and 0–9',
  canStem: false,
  tokenize: (text) => text.toLowerCase().match(/\p{Script=Han}|[a-z0-9]+/gu) ?? [],
  splitLines: (text) => text.split(/\n|(?<=[。！？；])/u),
  reads: /[\p{Script=Han}\p{Script=Latin}]/u,
};

export const rougeTokenizers = [asciiWords, zhChar] as const;

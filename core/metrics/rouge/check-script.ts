import { BuildFailure } from '../../domain/failures.ts';
import { rougeTokenizers, type RougeTokenizer } from './tokenizers.ts';

/** More of the letters in a script that the tokenizer drops, and the figure would speak of the rest alone. */
const tolerableShare = 0.05;

interface Texts {
  readonly id: string;
  readonly reference: string;
}

/**
 * Refuses references in a script the tokenizer does not read. Dropped silently, Chinese would score 0, or worse,
 * 100 for two texts that share only their digits. Throws RecipeImpossible.
 */
export function checkScript(samples: readonly Texts[], tokenizer: RougeTokenizer): void {
  const total = { letters: 0, lost: 0 };
  for (const { id, reference } of samples) {
    const { letters, lost } = countLetters(reference, tokenizer);
    total.letters += letters;
    total.lost += lost;
    if (lost > 0 && tokenizer.tokenize(reference, { stem: false }).length === 0)
      refuse(`The reference of sample ${id}`, samples, tokenizer);
  }
  const share = total.lost / Math.max(total.letters, 1);
  if (share > tolerableShare)
    refuse(`${(100 * share).toFixed(1)} % of the letters in the references`, samples, tokenizer);
}

function countLetters(text: string, tokenizer: RougeTokenizer): { letters: number; lost: number } {
  const letters = text.match(/\p{L}/gu) ?? [];
  return { letters: letters.length, lost: letters.filter((letter) => !tokenizer.reads.test(letter)).length };
}

function refuse(what: string, samples: readonly Texts[], tokenizer: RougeTokenizer): never {
  const text = samples.map(({ reference }) => reference).join('\n');
  const better = rougeTokenizers.find((other) => {
    const { letters, lost } = countLetters(text, other);
    return other.id !== tokenizer.id && lost / Math.max(letters, 1) <= tolerableShare;
  });
  throw new BuildFailure(
    'RecipeImpossible',
    `${what} cannot be read by the ROUGE tokenizer ${tokenizer.id} (${tokenizer.title}); the score would mean nothing.`,
    {
      hint:
        better === undefined
          ? 'No ROUGE tokenizer here reads this script; judge by perplexity and divergence instead.'
          : `Use the tokenizer ${better.id} (--tokenizer ${better.id}).`,
      details: { tokenizer: tokenizer.id },
    },
  );
}

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from '../../../../core/domain/nearest.ts';

const word = fc.stringMatching(/^[a-z]{4,12}$/);

it('a known word is nearest to itself, whatever its letters’ case', () => {
  fc.assert(
    fc.property(word, fc.array(word), (known, others) => {
      expect(nearest(known, [...others.filter((other) => other !== known), known])).toBe(known);
      expect(nearest(known.toUpperCase(), [known])).toBe(known);
    }),
  );
});

it('one slip – a letter lost, doubled, changed or two swapped – still finds the word', () => {
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom('lose', 'double', 'change', 'swap'), (known, place, slip) => {
      const at = place % (known.length - 1);
      const [head, letter, next, tail] = [known.slice(0, at), known[at], known[at + 1], known.slice(at + 2)];
      const slipped = {
        lose: `${head}${next}${tail}`,
        double: `${head}${letter}${letter}${next}${tail}`,
        change: `${head}#${next}${tail}`,
        swap: `${head}${next}${letter}${tail}`,
      }[slip];
      expect(nearest(slipped, [known])).toBe(known);
    }),
  );
});

it('between words of one length nearness is mutual', () => {
  const pair = fc.integer({ min: 1, max: 12 }).chain((length) => {
    const ofLength = fc.stringMatching(new RegExp(`^[abc]{${length}}$`));
    return fc.tuple(ofLength, ofLength);
  });
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(nearest(a, [b]) === undefined).toBe(nearest(b, [a]) === undefined);
    }),
  );
});

it('another word is not meant, and of none known none is', () => {
  expect(nearest('temperature', ['top-k', 'seed'])).toBeUndefined();
  expect(nearest('anything', [])).toBeUndefined();
});

it('of several the fewest slips win', () => {
  expect(nearest('promte', ['remote', 'promote', 'prompt'])).toBe('promote');
});

import { describe, expect, it } from 'vitest';
import { Decimal, parseStrictJson } from '../../../../core/formats/strict-json.ts';

describe('strict JSON', () => {
  it('keeps the order of integer-like keys and gives __proto__ no meaning', () => {
    const value = parseStrictJson('{"10": 1, "2": 2, "__proto__": 3}');

    expect(value).toEqual(
      new Map([
        ['10', 1],
        ['2', 2],
        ['__proto__', 3],
      ]),
    );
  });

  it('reads escapes, nesting, words and decimals', () => {
    const value = parseStrictJson(' [ "a\\u00e9\\"\\n" , [ ] , { } , true , null , -5 , 1.5e1 ] \n');

    expect(value).toEqual(['aé"\n', [], new Map(), true, null, -5, new Decimal(15)]);
  });

  it.each([
    ['a repeated key', '{"a":1,"a":2}', 'has the key "a" twice'],
    ['a repeated key behind an escape', '{"a":1,"\\u0061":2}', 'has the key "a" twice'],
    ['a lone surrogate', '"\\ud800"', 'has half of a surrogate pair'],
    ['a size beyond 2^53', '9007199254740993', 'has a number beyond 2^53'],
    ['a leading zero', '01', 'has a malformed number'],
    ['a control character', '"\n"', 'has a string without end'],
    ['a trailing comma', '[1,]', 'needs a JSON value here'],
    ['a missing comma', '[1 2]', 'needs a comma or ] here'],
    ['something after the end', '{} {}', 'has something after its end'],
    ['an unknown escape', '"\\x"', 'has an escape JSON does not know'],
    ['NaN', '[NaN]', 'needs a JSON value here'],
    ['endless nesting', '['.repeat(100_000), 'nests deeper than 32 levels'],
    ['a number of a megabyte', '1'.repeat(1_000_000), 'has a malformed number'],
    ['nothing', '', 'needs a JSON value here'],
  ])('refuses %s', (_, text, problem) => {
    expect(() => parseStrictJson(text)).toThrow(
      expect.objectContaining({ name: 'JsonSyntaxError', message: problem }),
    );
  });

  it('reads a string of many megabytes without overflowing', () => {
    const long = 'x'.repeat(20_000_000);

    expect(parseStrictJson(`"${long}"`)).toBe(long);
  });
});

import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../core/domain/json.ts';

/** The same value with the members of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reordered(member)]),
  );
}

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });

describe('canonical JSON', () => {
  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is the same text however the members are ordered', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(reordered(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it('is another text for another value', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const [left, right] = [a, b].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
        expect(canonicalJson(a) === canonicalJson(b)).toBe(isDeepStrictEqual(left, right));
      }),
    );
  });

  it('is stable: read and written again it is the same text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('sorts members by UTF-16 code unit, where locales and code points would differ', () => {
    expect(canonicalJson({ b: 1, a: 1, B: 1, é: 1, '😀': 1, '\uFFFD': 1, '10': 1, '9': 1 })).toBe(
      '{"10":1,"9":1,"B":1,"a":1,"b":1,"é":1,"😀":1,"\uFFFD":1}',
    );
  });

  it('leaves members without a value out and keeps their places in lists', () => {
    expect(canonicalJson({ a: undefined, b: [undefined, null] })).toBe('{"b":[null,null]}');
  });

  it('has one zero', () => {
    expect(canonicalJson([-0, 0])).toBe('[0,0]');
  });

  it('escapes half a surrogate pair, so that the text can be hashed as UTF-8 without loss', () => {
    expect(canonicalJson('\uD800')).toBe(String.raw`"\ud800"`);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses %d anywhere',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
      expect(() => canonicalJson({ a: [{ b: value }] })).toThrow(TypeError);
    },
  );

  it('keeps a member named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}');
  });
});

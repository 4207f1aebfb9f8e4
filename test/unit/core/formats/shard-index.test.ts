import { describe, expect, it } from 'vitest';
import {
  checkShardIndex,
  describeTotal,
  mapHolders,
  parseShardIndex,
  writeShardIndex,
} from '../../../../core/formats/shard-index.ts';

const file = '/m/model.safetensors.index.json';
const parse = (map: object) =>
  parseShardIndex(JSON.stringify({ metadata: { total_size: 1.5 }, weight_map: map }), file);
const check = (map: object, holders: [string, string][], optional: string[] = []) =>
  checkShardIndex({ index: parse(map), holders: new Map(holders), optional: new Set(optional), file });

describe('a shard index', () => {
  it('survives writing and reading, sorted by name', () => {
    const text = writeShardIndex(
      new Map([
        ['b', 'two.safetensors'],
        ['a', 'one.safetensors'],
      ]),
      12,
    );

    expect([...parseShardIndex(text, file).shardOf]).toEqual([
      ['a', 'one.safetensors'],
      ['b', 'two.safetensors'],
    ]);
    expect(text).toContain('"total_size": 12');
  });

  it.each(['../x.safetensors', '/etc/passwd', 'a\\b', '..', ''])(
    'refuses the shard %s outside its folder',
    (shard) => {
      expect(() => parse({ w: shard })).toThrow('which is no file beside it');
    },
  );

  it('must agree with the shards both ways', () => {
    expect(() => check({ a: 'one' }, [['a', 'one']])).not.toThrow();
    expect(() => check({ a: 'one', b: 'one' }, [['a', 'one']])).toThrow('maps b to one, but no shard has it');
    expect(() => check({ a: 'one' }, [['a', 'two']])).toThrow('maps a to one, but two has it');
    expect(() =>
      check({ a: 'one' }, [
        ['a', 'one'],
        ['b', 'one'],
      ]),
    ).toThrow('does not name b');
    expect(() =>
      check(
        { a: 'one' },
        [
          ['a', 'one'],
          ['b', 'one'],
        ],
        ['b'],
      ),
    ).not.toThrow();
  });

  it.each([
    [12, 12, undefined],
    [16, 12, undefined],
    [13, 12, 'model.safetensors.index.json tells of 13 bytes in total, its tensors have 12'],
    ['12', 12, undefined],
    [12.5, 12, 'model.safetensors.index.json tells of 12.5 bytes in total, its tensors have 12'],
  ])('only remarks on a total: %j for %d bytes and 4 of an alias', (total, bytes, remark) => {
    const index = parseShardIndex(JSON.stringify({ metadata: { total_size: total }, weight_map: {} }), file);

    expect(describeTotal(index, [{ bytes }, { bytes: 4, aliasOf: 'a' }], file)).toBe(remark);
  });

  it('refuses malformed texts', () => {
    expect(() => parseShardIndex('{"weight_map":{"a":"x","a":"y"}}', file)).toThrow('has the key "a" twice');
    expect(() => parseShardIndex('[]', file)).toThrow('is no JSON object');
    expect(() => parseShardIndex('{}', file)).toThrow('has no weight_map');
  });

  it('refuses a tensor that two shards hold', () => {
    expect(() =>
      mapHolders([
        { shard: 'one', names: ['a'] },
        { shard: 'two', names: ['a'] },
      ]),
    ).toThrow('Both one and two have tensor a');
  });
});

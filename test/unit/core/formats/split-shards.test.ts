import { describe, expect, it } from 'vitest';
import { parseShardSize, splitIntoShards } from '../../../../core/formats/split-shards.ts';
import { weightFileName } from '../../../../core/formats/weight-files.ts';

const tensors = (sizes: readonly number[]) => [
  ...sizes.map((size, index) => ({ name: `t${index}`, dtype: 'U8' as const, shape: [size] })),
  { name: 'tie', dtype: 'U8' as const, shape: [sizes[3] ?? 0], aliasOf: 't3' },
];
const split = (sizes: readonly number[], maxBytes: number) =>
  splitIntoShards(tensors(sizes), maxBytes).map((shard) => shard.map(({ name }) => name).join(' '));

describe('dividing tensors into shards', () => {
  // Answers of huggingface_hub 2.4.0, split_torch_state_dict_into_shards, for these sizes and 14 bytes a file.
  it.each([
    [
      [8, 3, 13, 3, 40, 13, 40, 13, 13, 8, 1, 40],
      ['t0 t1', 't2', 't4', 't3 tie', 't6', 't5', 't7', 't8', 't11', 't9 t10'],
    ],
    [
      [5, 40, 2, 13, 1, 2, 1, 3, 5, 40, 2, 5],
      ['t1', 't0 t2', 't3 t4 tie', 't9', 't5 t6 t7 t8 t10', 't11'],
    ],
    [
      [8, 1, 8, 2, 1, 13, 2, 5, 3, 2, 40, 40],
      ['t0 t1', 't2 t3 t4 tie', 't5', 't10', 't11', 't6 t7 t8 t9'],
    ],
  ])('gives the files that huggingface_hub gives: %j', (sizes, shards) => {
    expect(split(sizes, 14)).toEqual(shards);
  });

  it('leaves a set that fits in one file', () => {
    expect(split([5, 2, 40, 40], 1000)).toEqual(['t0 t1 t2 t3 tie']);
  });
});

describe('the size of a shard', () => {
  it.each([
    ['5GB', 5e9],
    ['500mb', 5e8],
    ['1.5 TB', 1.5e12],
    ['100kB', 1e5],
    ['7', 7],
    ['12B', 12],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseShardSize(text)).toBe(bytes);
  });

  it.each(['', 'GB', '5GiB', '-1GB', '0', '1e9', '5 G B', '9999999TB', '0.1B'])('is not %j', (text) => {
    expect(parseShardSize(text)).toBeUndefined();
  });
});

describe('the names of shards', () => {
  it('count from 1 with five digits, and a single one has none', () => {
    const [model, adapter] = ['model', 'adapter'] as const;

    expect(weightFileName({ format: 'safetensors', role: model }, 2, 13)).toBe(
      'model-00002-of-00013.safetensors',
    );
    expect(weightFileName({ format: 'bin', role: model }, 1, 2)).toBe('pytorch_model-00001-of-00002.bin');
    expect(weightFileName({ format: 'bin', role: adapter }, 1, 1)).toBe('adapter_model.bin');
  });
});

import { describe, expect, it } from 'vitest';
import { type GgufTensorSpec, layOutGguf } from '../../../../../core/formats/gguf/layout.ts';
import {
  type GgufEntry,
  f32,
  f32s,
  flag,
  i32s,
  text,
  texts,
  u32,
} from '../../../../../core/formats/gguf/metadata.ts';
import { readGguf } from '../../../../../core/formats/gguf/read-gguf.ts';

const metadata: readonly GgufEntry[] = [
  ['general.architecture', text('llama')],
  ['llama.block_count', u32(4_000_000_000)],
  ['llama.rope.freq_base', f32(0.5)],
  ['tokenizer.ggml.add_bos_token', flag(true)],
  ['tokenizer.ggml.tokens', texts(['a', '', 'ö\u2581'])],
  ['tokenizer.ggml.token_type', i32s([1, -1])],
  ['tokenizer.ggml.scores', f32s([-1000, 0.25])],
  ['exotic.u64', { type: 'u64', value: 2n ** 63n }],
  ['exotic.i64', { type: 'i64', value: -5n }],
  ['exotic.f64', { type: 'f64', value: 1 / 3 }],
  ['exotic.bytes', { type: 'array', of: 'u8', value: [0, 255] }],
  ['exotic.flags', { type: 'array', of: 'bool', value: [true, false] }],
  ['exotic.longs', { type: 'array', of: 'u64', value: [1n] }],
  ['exotic.i8', { type: 'i8', value: -1 }],
  ['exotic.u16', { type: 'u16', value: 65535 }],
  ['exotic.i16', { type: 'i16', value: -2 }],
];
const tensors: readonly GgufTensorSpec[] = [
  { name: 'token_embd.weight', type: 'Q4_0', shape: [3, 64] },
  { name: 'output_norm.weight', type: 'F32', shape: [5] },
  { name: 'blk.0.attn_q.weight', type: 'BF16', shape: [2, 3] },
];

function fileOf(entries: readonly GgufEntry[] = metadata, specs = tensors): Uint8Array {
  const layout = layOutGguf(entries, specs);
  const bytes = new Uint8Array(layout.bytes);
  bytes.set(layout.header);
  return bytes;
}

const read = (bytes: Uint8Array) =>
  readGguf({
    file: '/x.gguf',
    bytes: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
  });

function patched(change: (view: DataView) => void): Uint8Array {
  const bytes = fileOf([['a', text('b')]]);
  change(new DataView(bytes.buffer));
  return bytes;
}

describe('readGguf', () => {
  it('gives back what was laid out', async () => {
    const layout = layOutGguf(metadata, tensors);

    const file = await read(fileOf());

    expect(file.version).toBe(3);
    expect([...file.metadata]).toEqual(metadata);
    expect(file.tensors).toEqual(layout.tensors);
    expect(file.tensors.map(({ bytes }) => bytes)).toEqual([108, 20, 12]);
    expect(file.dataOffset).toBe(layout.header.length);
    expect(layout.header.length % 32).toBe(0);
  });

  it('reads a header that is longer than its first read', async () => {
    const long = Array.from({ length: 500_000 }, (_, index) => `token number ${index}`);

    const file = await read(fileOf([['tokenizer.ggml.tokens', texts(long)]]));

    expect(file.metadata.get('tokenizer.ggml.tokens')?.value).toEqual(long);
    expect(file.tensors).toHaveLength(3);
  });

  it('refuses a file cut anywhere', async () => {
    const whole = fileOf();
    const end = whole.length - 32 + 12;

    for (let length = 0; length < end; length += 1) {
      await expect(read(whole.slice(0, length)), `cut at ${length}`).rejects.toMatchObject({
        name: 'WeightsCorrupt',
      });
    }
  });

  it.each([
    [
      'a count of tensors no file can hold',
      (view: DataView) => view.setBigUint64(8, 2n ** 62n, true),
      'WeightsCorrupt',
    ],
    [
      'a count of keys no file can hold',
      (view: DataView) => view.setBigUint64(16, 2n ** 40n, true),
      'WeightsCorrupt',
    ],
    [
      'a key longer than the file',
      (view: DataView) => view.setBigUint64(24, 2n ** 33n, true),
      'WeightsCorrupt',
    ],
    ['an unknown metadata type', (view: DataView) => view.setUint32(33, 77, true), 'WeightsCorrupt'],
    ['another magic', (view: DataView) => view.setUint8(0, 0x78), 'WeightsCorrupt'],
    ['version 1', (view: DataView) => view.setUint32(4, 1, true), 'WeightsUnsupported'],
    ['the other byte order', (view: DataView) => view.setUint32(4, 3, false), 'WeightsUnsupported'],
  ])('refuses %s', async (_, change, name) => {
    await expect(read(patched(change))).rejects.toMatchObject({ name });
  });

  it('refuses an array that announces more items than the file has bytes', async () => {
    const bytes = fileOf([['a', i32s([1, 2])]]);
    new DataView(bytes.buffer).setBigUint64(41, 2n ** 34n, true);

    await expect(read(bytes)).rejects.toMatchObject({ name: 'WeightsCorrupt' });
  });

  it('refuses a key or a tensor that is there twice', async () => {
    const [first] = tensors;

    await expect(read(fileOf([...metadata, ['general.architecture', text('x')]]))).rejects.toThrow(/twice/);
    await expect(read(fileOf(metadata, first === undefined ? [] : [first, first]))).rejects.toThrow(/twice/);
  });

  it('refuses tensors that share bytes', async () => {
    const bytes = fileOf(
      [],
      [
        { name: 'a', type: 'F32', shape: [16] },
        { name: 'b', type: 'F32', shape: [16] },
      ],
    );
    // Entry of b: after 24 bytes of header, 8+1+4+8+4+8 of a, and 8+1+4+8+4 of its own.
    new DataView(bytes.buffer).setBigUint64(24 + 33 + 25, 32n, true);

    await expect(read(bytes)).rejects.toThrow(/overlaps/);
  });

  it('refuses to lay out a row that is no whole number of blocks', () => {
    expect(() => layOutGguf([], [{ name: 'a', type: 'Q4_0', shape: [2, 33] }])).toThrow(
      /cannot be stored as Q4_0/,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { readSafetensorsHeader } from '../../../../../core/formats/safetensors/read-header.ts';
import {
  concat,
  failureOf,
  memorySource,
  safetensorsFile,
} from '../../../../fixtures/weights/memory-source.ts';

const read = (bytes: Uint8Array) => readSafetensorsHeader(memorySource(bytes));
const entry = (dtype: string, shape: number[], from: number, to: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] });

describe('the safetensors header', () => {
  it('gives every tensor its absolute offset, in the order of the bytes', async () => {
    const file = safetensorsFile(
      `{"b":${entry('F16', [2], 4, 8)},"a":${entry('F32', [], 0, 4)},"__metadata__":{"format":"pt"}}`,
      8,
    );

    const { tensors, metadata } = await read(file);

    const start = file.length - 8;
    expect(tensors).toEqual([
      { name: 'a', dtype: 'F32', shape: [], bytes: 4, offset: start },
      { name: 'b', dtype: 'F16', shape: [2], bytes: 4, offset: start + 4 },
    ]);
    expect(metadata).toEqual(new Map([['format', 'pt']]));
  });

  it.each([
    ['an empty tensor', `{"e":${entry('F32', [0, 3], 0, 0)}}`, 0],
    ['four-bit items that fill whole bytes', `{"q":${entry('F4', [4, 2], 0, 4)}}`, 4],
    ['six-bit items that fill whole bytes', `{"q":${entry('F6_E2M3', [4], 0, 3)}}`, 3],
    ['a name with a meaning in JavaScript', `{"__proto__":${entry('U8', [1], 0, 1)}}`, 1],
    ['padding after the header', `{"a":${entry('U8', [1], 0, 1)}}      `, 1],
    ['a header that ends on no multiple of 8', '{} ', 0],
  ])('accepts %s', async (_, header, dataBytes) => {
    expect(await failureOf(read(safetensorsFile(header, dataBytes)))).toBe('no failure');
  });

  it.each([
    ['a hole', `{"a":${entry('U8', [1], 0, 1)},"b":${entry('U8', [1], 2, 3)}}`, 3, 'belong to no tensor'],
    [
      'an overlap',
      `{"a":${entry('U8', [2], 0, 2)},"b":${entry('U8', [2], 1, 3)}}`,
      3,
      'overlaps the one before it',
    ],
    ['trailing bytes', `{"a":${entry('U8', [1], 0, 1)}}`, 2, '1 bytes follow the last tensor'],
    ['a file that ends early', `{"a":${entry('U8', [9], 0, 9)}}`, 2, 'ends early'],
    [
      'a repeated name',
      `{"a":${entry('U8', [1], 0, 1)},"a":${entry('U8', [1], 0, 1)}}`,
      1,
      'has the key "a" twice',
    ],
    ['a wrong size', `{"a":${entry('F32', [1], 0, 2)}}`, 2, 'needs 4 bytes'],
    ['offsets in reverse', `{"a":${entry('U8', [0], 1, 0)}}`, 0, 'needs data_offsets'],
    ['a negative size', `{"a":${entry('U8', [-1], 0, 1)}}`, 1, 'shape that is no list'],
    [
      'a size with a point',
      `{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`,
      1,
      'shape that is no list',
    ],
    [
      'a shape that overflows',
      `{"a":${entry('U8', [4294967296, 4294967296, 0], 0, 0)}}`,
      0,
      'impossible shape',
    ],
    ['items of half a byte', `{"a":${entry('F4', [3], 0, 1)}}`, 1, 'impossible shape'],
    ['an unknown dtype', `{"a":${entry('F128', [1], 0, 16)}}`, 16, 'unknown dtype "F128"'],
    ['an unknown field', `{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}`, 1, 'unknown field x'],
    ['metadata that is no text', '{"__metadata__":{"n":1}}', 0, 'no string at n'],
    ['a header that starts with a space', ' {}', 0, 'does not begin with {'],
    ['a header that is a list', '[]', 0, 'does not begin with {'],
  ])('refuses %s', async (_, header, dataBytes, problem) => {
    const failure = await failureOf(read(safetensorsFile(header, dataBytes)));

    expect(failure).toMatch(/^WeightsCorrupt: model\.safetensors, byte \d+: /);
    expect(failure).toContain(problem);
  });

  it('refuses headers larger than the reference takes, than the file, or none at all', async () => {
    const huge = new Uint8Array(8).fill(0xff);
    const beyond = concat(new Uint8Array([100, 0, 0, 0, 0, 0, 0, 0]), '{}');

    expect(await failureOf(read(huge))).toContain('a header of 18446744073709551615 bytes');
    expect(await failureOf(read(beyond))).toContain('announces 100 bytes there, but the file has only 10');
    expect(await failureOf(read(new Uint8Array(3)))).toContain('the file has only 3');
  });

  it('refuses bytes that are not UTF-8', async () => {
    const bad = concat(new Uint8Array([6, 0, 0, 0, 0, 0, 0, 0]), '{"', new Uint8Array([0xff]), '":1');

    expect(await failureOf(read(bad))).toContain('is not valid UTF-8');
  });

  it.each([
    ['b', `{"a":${entry('U8', [1], 0, 1)}, "b":${entry('U8', [3], 1, 2)}}`],
    ['ü', `{"é":${entry('U8', [1], 0, 1)},"ü":${entry('F99', [1], 1, 2)}}`],
    ['__metadata__', `{"a":${entry('U8', [2], 0, 2)},"__metadata__":{"n":1}}`],
  ])('names the byte where the entry of %s begins', async (name, header) => {
    const file = safetensorsFile(header, 2);

    const failure = await failureOf(read(file));

    const at = Buffer.from(file).indexOf(`"${name}"`);
    expect(failure).toContain(`byte ${at}: `);
  });
});

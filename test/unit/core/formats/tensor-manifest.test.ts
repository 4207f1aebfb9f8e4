import { describe, expect, it } from 'vitest';
import { isDigest, type Digest } from '../../../../core/domain/artifact.ts';
import {
  readTensorManifest,
  rootText,
  writeTensorManifest,
  type TensorDigest,
} from '../../../../core/formats/tensor-manifest.ts';

function digestOf(character: string): Digest {
  const text = character.repeat(64);
  if (!isDigest(text)) throw new Error(text);
  return text;
}

const [a, b] = [digestOf('a'), digestOf('b')];
const entries: [string, TensorDigest][] = [
  ['z', { dtype: 'F16', shape: [2, 3], sha256: a }],
  ['__proto__', { dtype: 'I64', shape: [], sha256: b }],
  ['10', { dtype: 'F4', shape: [0, 2], sha256: b }],
];

describe('a manifest of tensors', () => {
  it('has a root text that does not depend on the order of its tensors', () => {
    expect(rootText(new Map(entries))).toBe(
      `["10","F4",[0,2],"${b}"]\n["__proto__","I64",[],"${b}"]\n["z","F16",[2,3],"${a}"]\n`,
    );
    expect(rootText(new Map(entries.toReversed()))).toBe(rootText(new Map(entries)));
  });

  it('survives writing and reading, whatever the names', () => {
    const manifest = { root: a, tensors: new Map(entries) };

    const read = readTensorManifest(writeTensorManifest(manifest), '/m.json');

    expect(read.root).toBe(a);
    expect(rootText(read.tensors)).toBe(rootText(manifest.tensors));
  });

  const plain = `{"root":"${a}","tensors":{"w":{"dtype":"F16","shape":[1],"sha256":"${a}"}}}`;
  it.each([
    ['no JSON', 'x', 'byte 0'],
    ['an array', '[]', 'needs root and tensors'],
    ['no root', plain.replace('root', 'toor'), 'needs root and tensors'],
    ['a short digest', plain.replace(`"sha256":"${a}"`, '"sha256":"ab"'), 'tensor w needs'],
    ['an unknown dtype', plain.replace('F16', 'F17'), 'tensor w needs'],
    ['a shape of texts', plain.replace('[1]', '["1"]'), 'tensor w needs'],
    ['a name twice', plain.replace('{"w"', '{"w":{},"w"'), 'has the key "w" twice'],
  ])('is refused with %s', (_, text, problem) => {
    expect(() => readTensorManifest(text, '/m.json')).toThrow(problem);
  });
});

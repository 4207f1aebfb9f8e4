import { isDigest, type Digest } from '../domain/artifact.ts';
import { corruptAt } from './byte-source.ts';
import { JsonSyntaxError, parseStrictJson, type StrictJson } from './strict-json.ts';
import { isTensorDtype, type TensorDtype } from './tensor.ts';

/** What a tensor is, in whatever file it lies: `sha256` of its items in row-major order, little-endian. */
export interface TensorDigest {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly sha256: Digest;
}

/** The digests of a set of weights by name, and the root that stands for them all. */
export interface TensorManifest {
  readonly root: Digest;
  readonly tensors: ReadonlyMap<string, TensorDigest>;
}

/**
 * The text whose sha256 is the root: one line for every name, sorted by code unit, each the JSON of
 * `[name, dtype, shape, sha256]` and a newline. Files, shards, metadata and the order of tensors do not enter it.
 */
export function rootText(tensors: ReadonlyMap<string, TensorDigest>): string {
  return sorted(tensors)
    .map(([name, { dtype, shape, sha256 }]) => `${JSON.stringify([name, dtype, shape, sha256])}\n`)
    .join('');
}

/** The manifest as JSON: `{version: 1, root, tensors: {name: {dtype, shape, sha256}}}`, one line for every tensor. */
export function writeTensorManifest({ root, tensors }: TensorManifest): string {
  const lines = sorted(tensors).map(
    ([name, { dtype, shape, sha256 }]) =>
      `    ${JSON.stringify(name)}: ${JSON.stringify({ dtype, shape, sha256 })}`,
  );
  return `{\n  "version": 1,\n  "root": "${root}",\n  "tensors": {\n${lines.join(',\n')}\n  }\n}\n`;
}

/** Reads a manifest; the caller compares the root with its lines. WeightsCorrupt for anything that is none. */
export function readTensorManifest(text: string, file: string): TensorManifest {
  const fields = parse(text, file);
  const [root, tensors] = fields instanceof Map ? [fields.get('root'), fields.get('tensors')] : [];
  if (typeof root !== 'string' || !isDigest(root) || !(tensors instanceof Map))
    throw corruptAt(file, 0, 'is no manifest of tensors: it needs root and tensors');
  const read = [...tensors].map(([name, entry]) => [name, readEntry(name, entry, file)] as const);
  return { root, tensors: new Map(read) };
}

function parse(text: string, file: string): StrictJson {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw corruptAt(file, error.offset, error.message);
  }
}

function readEntry(name: string, entry: StrictJson, file: string): TensorDigest {
  const [dtype, shape, sha256] =
    entry instanceof Map ? [entry.get('dtype'), entry.get('shape'), entry.get('sha256')] : [];
  const sizes = Array.isArray(shape) ? shape.filter((size) => typeof size === 'number') : undefined;
  const fits =
    typeof dtype === 'string' &&
    isTensorDtype(dtype) &&
    typeof sha256 === 'string' &&
    isDigest(sha256) &&
    sizes !== undefined &&
    Array.isArray(shape) &&
    sizes.length === shape.length;
  if (fits) return { dtype, shape: sizes, sha256 };
  throw corruptAt(file, 0, `tensor ${name.slice(0, 200)} needs a dtype, a shape and a sha256`);
}

function sorted(tensors: ReadonlyMap<string, TensorDigest>): [string, TensorDigest][] {
  return [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
}

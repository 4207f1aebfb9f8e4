import { BuildFailure } from '../../domain/failures.ts';
import { dtypeRank, type TensorSpec } from '../tensor.ts';
import { specBytes } from '../spec-bytes.ts';

const metadataKey = '__metadata__';

export interface PlacedTensor extends TensorSpec {
  readonly bytes: number;
  /** From the start of the file. */
  readonly offset: number;
}

export interface SafetensorsLayout {
  /** Length prefix and JSON, padded with spaces so that the data starts on 8 bytes. */
  readonly header: Uint8Array;
  /** In the order of their bytes. */
  readonly tensors: readonly PlacedTensor[];
  readonly bytes: number;
}

/**
 * Lays a safetensors file out as the reference does (safetensors tensor.rs, `prepare`): the dtypes from its last to its
 * first, which is wide ones first, then by name. Equal input gives equal bytes, the very bytes of the reference. Throws WeightsUnsupported for a shape of no whole bytes.
 */
export function layOutSafetensors(
  tensors: readonly TensorSpec[],
  metadata: ReadonlyMap<string, string> = new Map(),
): SafetensorsLayout {
  const ordered = tensors.toSorted(
    (a, b) => dtypeRank(b.dtype) - dtypeRank(a.dtype) || compareNames(a.name, b.name),
  );
  const relative: PlacedTensor[] = [];
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    if (name === metadataKey)
      throw new BuildFailure('WeightsUnsupported', `safetensors keeps the name ${metadataKey} to itself`);
    const bytes = specBytes({ name, dtype, shape });
    relative.push({ name, dtype, shape, bytes, offset: end });
    end += bytes;
  }
  const header = encodeHeader(relative, metadata);
  const placed = relative.map((tensor) => ({ ...tensor, offset: header.length + tensor.offset }));
  return { header, tensors: placed, bytes: header.length + end };
}

/** By code point, as Rust compares; code units would put characters beyond U+FFFF before U+E000. */
function compareNames(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function encodeHeader(tensors: readonly PlacedTensor[], metadata: ReadonlyMap<string, string>): Uint8Array {
  // Written by hand because an object would move names such as "0" to the front and lose one called __proto__.
  const members = tensors.map(({ name, dtype, shape, bytes, offset }) =>
    member(name, JSON.stringify({ dtype, shape, data_offsets: [offset, offset + bytes] })),
  );
  if (metadata.size > 0) {
    const pairs = [...metadata]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, text]) => member(key, JSON.stringify(text)));
    members.unshift(member(metadataKey, `{${pairs.join(',')}}`));
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

function member(key: string, json: string): string {
  return `${JSON.stringify(key)}:${json}`;
}

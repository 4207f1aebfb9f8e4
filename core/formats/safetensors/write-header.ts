import { dtypeBits, type TensorSpec } from '../tensor.ts';
import { specBytes } from '../spec-bytes.ts';

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
 * Lays a safetensors file out as the reference does: wide dtypes first, then by name, so that every tensor starts on a
 * multiple of its item size and equal input gives equal bytes. Throws WeightsUnsupported for a shape of no whole bytes.
 */
export function layOutSafetensors(
  tensors: readonly TensorSpec[],
  metadata: ReadonlyMap<string, string> = new Map(),
): SafetensorsLayout {
  const ordered = tensors.toSorted(
    (a, b) => dtypeBits[b.dtype] - dtypeBits[a.dtype] || (a.name < b.name ? -1 : 1),
  );
  const relative: PlacedTensor[] = [];
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    const bytes = specBytes({ name, dtype, shape });
    relative.push({ name, dtype, shape, bytes, offset: end });
    end += bytes;
  }
  const header = encodeHeader(relative, metadata);
  const placed = relative.map((tensor) => ({ ...tensor, offset: header.length + tensor.offset }));
  return { header, tensors: placed, bytes: header.length + end };
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
    members.unshift(member('__metadata__', `{${pairs.join(',')}}`));
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

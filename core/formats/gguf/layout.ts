import { BuildFailure } from '../../domain/failures.ts';
import { HeaderWriter } from './header-writer.ts';
import { type GgufEntry, ggufValueTypes } from './metadata.ts';
import { type GgufTensorType, ggufTensorBytes, ggufTensorTypes } from './tensor-types.ts';

/** The value every reader assumes when `general.alignment` is absent. */
export const ggufAlignment = 32;
export const ggufVersion = 3;
export const ggufMagic = 'GGUF';

/** `shape` is row-major, as in the source; GGUF stores it reversed. */
export interface GgufTensorSpec {
  readonly name: string;
  readonly type: GgufTensorType;
  readonly shape: readonly number[];
}

export interface PlacedTensor extends GgufTensorSpec {
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where everything of a GGUF file lies, known before its first byte is written. All sizes are bytes. */
export interface GgufLayout {
  /** Header, metadata and tensor table, padded to the alignment. */
  readonly header: Uint8Array;
  readonly tensors: readonly PlacedTensor[];
  /** Of the whole file, padding after the last tensor included. */
  readonly bytes: number;
}

/**
 * Lays out a little-endian GGUF version 3 file (ggml-org/ggml docs/gguf.md). Tensors follow each other in the order
 * given, each padded to 32 bytes. A shape its type cannot hold is WeightsUnsupported.
 */
export function layOutGguf(metadata: readonly GgufEntry[], tensors: readonly GgufTensorSpec[]): GgufLayout {
  const writer = new HeaderWriter();
  writer.ascii(ggufMagic);
  writer.u32(ggufVersion);
  writer.u64(tensors.length);
  writer.u64(metadata.length);
  for (const [key, value] of metadata) {
    writer.string(key);
    writer.u32(ggufValueTypes[value.type]);
    writer.value(value);
  }
  let dataBytes = 0;
  const sizes: number[] = [];
  for (const tensor of tensors) {
    const bytes = sizeOf(tensor);
    writer.string(tensor.name);
    writer.u32(tensor.shape.length);
    for (const size of tensor.shape.toReversed()) writer.u64(size);
    writer.u32(ggufTensorTypes[tensor.type].number);
    writer.u64(dataBytes);
    sizes.push(bytes);
    dataBytes += padded(bytes);
  }
  const header = writer.finish(ggufAlignment);
  return { header, tensors: place(tensors, sizes, header.length), bytes: header.length + dataBytes };
}

/** Rounds a size or offset up to the alignment. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / ggufAlignment) * ggufAlignment;
}

function sizeOf(tensor: GgufTensorSpec): number {
  const bytes = ggufTensorBytes(tensor.type, tensor.shape);
  if (bytes !== undefined) return bytes;
  throw new BuildFailure(
    'WeightsUnsupported',
    `tensor ${tensor.name} of shape [${tensor.shape.join(', ')}] cannot be stored as ${tensor.type}`,
  );
}

function place(tensors: readonly GgufTensorSpec[], sizes: readonly number[], start: number): PlacedTensor[] {
  let offset = start;
  return tensors.map((tensor, index) => {
    const bytes = sizes[index] ?? 0;
    const placed = { ...tensor, offset, bytes };
    offset += padded(bytes);
    return placed;
  });
}

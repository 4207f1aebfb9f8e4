import type { BytesPiece, GatherPiece, MergePiece, RangePiece } from '../domain/weights-plan.ts';
import { dtypeBits, type TensorSpec, type WeightTensor } from './tensor.ts';

/** A piece that yields the bytes of one tensor. */
export type TensorPiece = RangePiece | GatherPiece | MergePiece;

/** A tensor of a file about to be written, with where its bytes come from. */
export interface PlannedTensor extends TensorSpec {
  readonly piece: TensorPiece;
  /** Name of another planned tensor of the same file whose storage this one shares. */
  readonly aliasOf?: string;
}

export function bytesPiece(bytes: Uint8Array): BytesPiece {
  return { kind: 'bytes', base64: toBase64(bytes) };
}

/** How to read a tensor as contiguous bytes: a range, or a gather when it is a strided view. */
export function pieceOf(tensor: WeightTensor): RangePiece | GatherPiece {
  const { name, file, offset, bytes, shape, strides } = tensor;
  if (strides === undefined) return { kind: 'range', file, offset, bytes, name };
  return { kind: 'gather', file, offset, itemBytes: itemBytesOf(tensor), shape, strides, name };
}

/** A tensor as it is, to be written elsewhere. */
export function plannedOf(tensor: WeightTensor): PlannedTensor {
  const { name, dtype, shape, aliasOf } = tensor;
  return { name, dtype, shape, piece: pieceOf(tensor), ...(aliasOf === undefined ? {} : { aliasOf }) };
}

function itemBytesOf({ dtype }: TensorSpec): GatherPiece['itemBytes'] {
  const bytes = dtypeBits[dtype] / 8;
  if (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) return bytes;
  throw new TypeError(`${dtype} has no strided form`);
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  const chunk = 0x8000; // spreading more arguments than this overflows the stack
  for (let at = 0; at < bytes.length; at += chunk)
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(binary);
}

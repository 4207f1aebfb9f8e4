import type { OutputPlan, Piece } from '../../domain/weights-plan.ts';
import { bytesPiece } from '../pieces.ts';
import type { TensorSpec } from '../tensor.ts';
import { layOutSafetensors } from './write-header.ts';

/** A safetensors file as a plan: header, then every tensor's bytes. `path` is absolute and final. */
export function planSafetensorsFile(
  path: string,
  tensors: readonly (TensorSpec & { readonly piece: Piece })[],
  metadata: ReadonlyMap<string, string>,
): OutputPlan {
  const layout = layOutSafetensors(tensors, metadata);
  const pieces = new Map(tensors.map(({ name, piece }) => [name, piece]));
  const data = layout.tensors.flatMap(({ name, bytes }) => {
    const piece = pieces.get(name);
    return piece === undefined || bytes === 0 ? [] : [piece];
  });
  return { path, bytes: layout.bytes, pieces: [bytesPiece(layout.header), ...data] };
}

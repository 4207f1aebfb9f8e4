import koffi from 'koffi';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { LlamaLibrary } from './bind-library.ts';
import type { Pointer } from './native-call.ts';

/**
 * Where the fields of `struct ggml_tensor` lie that no function gives (ggml/include/ggml.h of the pinned commit:
 * type, buffer, ne[4], nb[4], op, op_params[16], flags, src[10], view_src, view_offs, data, name[64], extra, padding).
 * Every tensor that is read is checked against what the library's own functions say of it.
 */
const layout = { size: 336, items: 16, strides: 48, sources: 152, data: 248, name: 256 } as const;
const nameBytes = 64;

/** A tensor of a graph that is being computed; addresses live as long as the graph. */
export interface NativeTensor {
  readonly address: Pointer;
  readonly name: string;
  /** Items along each axis, innermost first. */
  readonly items: readonly number[];
  /** Bytes between neighbours along each axis. */
  readonly strides: readonly number[];
  readonly data: Pointer;
  readonly sources: readonly Pointer[];
}

/** Throws ToolchainMismatch when the struct lies otherwise than pinned. */
export function readTensor(library: LlamaLibrary, address: bigint): NativeTensor {
  const bytes = Buffer.from(koffi.view(address, layout.size));
  const end = bytes.indexOf(0, layout.name);
  const name = bytes.toString('utf8', layout.name, Math.min(end, layout.name + nameBytes));
  const data = pointerAt(bytes, layout.data);
  const items = numbersAt(bytes, layout.items);
  const total = items.reduce((product, size) => product * size, 1);
  const isPinned =
    name === library.tensorName(address) &&
    data === library.tensorData(address) &&
    BigInt(total) === BigInt(library.tensorItems(address));
  if (!isPinned) {
    throw new BuildFailure(
      'ToolchainMismatch',
      'llama.cpp is not the pinned build: ggml_tensor lies otherwise',
    );
  }
  const sources = [pointerAt(bytes, layout.sources), pointerAt(bytes, layout.sources + 8)];
  return { address, name, items, strides: numbersAt(bytes, layout.strides), data, sources };
}

function pointerAt(bytes: Buffer, offset: number): Pointer {
  const address = bytes.readBigUInt64LE(offset);
  return address === 0n ? null : address;
}

function numbersAt(bytes: Buffer, offset: number): number[] {
  return [0, 1, 2, 3].map((axis) => Number(bytes.readBigInt64LE(offset + 8 * axis)));
}

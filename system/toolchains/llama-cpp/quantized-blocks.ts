import { BuildFailure } from '../../../core/domain/failures.ts';
import type { TensorContent } from '../../../core/formats/gguf/model-plan.ts';
import { halfScales, packBlocks, unpackWords } from '../../../core/formats/gguf/pack-blocks.ts';
import { interleaveHeads } from '../../../core/formats/gguf/permute-rows.ts';
import type { QuantizedLinear } from '../../../core/formats/quantized/read-quantized.ts';
import { type OpenFiles, readAll } from './input-files.ts';

type BlockContent = Extract<TensorContent, { kind: 'blocks' }>;

// Enough that a read costs nothing beside the packing, small enough that memory does not depend on the model.
const chunkCodes = 1 << 20;

/** A quantized linear as ggml's blocks, some rows at a time. Throws WeightsUnsupported, WeightsCorrupt. */
export async function* blocksOf(content: BlockContent, inputs: OpenFiles): AsyncGenerator<Uint8Array> {
  const { linear, type, interleavedRows } = content;
  const { rows, columns, codes, scales } = linear;
  const unit = interleavedRows ?? 1;
  const most = Math.max(1, Math.floor(chunkCodes / columns / unit)) * unit;
  const rowBytes = codes.bytes / rows;
  const scaleBytes = scales.bytes / rows;
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const raw = await read(inputs, codes, { offset: first * rowBytes, bytes: count * rowBytes });
    const shared = await read(inputs, scales, { offset: first * scaleBytes, bytes: count * scaleBytes });
    const halves = halfScales(shared, scaleDtypeOf(linear));
    if (halves === undefined) throw inexact(linear);
    const signed =
      linear.layout === 'bytes'
        ? new Int8Array(raw.buffer, raw.byteOffset, raw.byteLength)
        : unpackWords(raw, linear.bits, { rows: count, columns });
    const groups = halves.length / count;
    const blocks = packBlocks(type, { rows: count, columns, codes: signed, scales: halves, groups });
    yield interleavedRows === undefined
      ? blocks
      : interleaveHeads(blocks, interleavedRows, blocks.length / count);
  }
}

async function read(
  inputs: OpenFiles,
  { file, offset }: QuantizedLinear['codes'],
  part: { readonly offset: number; readonly bytes: number },
): Promise<Uint8Array> {
  const handle = await inputs.open(file);
  return readAll(handle, { offset: offset + part.offset, bytes: part.bytes }, file);
}

function scaleDtypeOf({ module, scales: { dtype } }: QuantizedLinear): 'F32' | 'F16' | 'BF16' {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return dtype;
  throw new BuildFailure('WeightsUnsupported', `the scales of ${module} are ${dtype}`);
}

function inexact({ module }: QuantizedLinear): BuildFailure {
  const message = `${module} has scales that no binary16 number equals, which ggml's blocks are made of`;
  return new BuildFailure('WeightsUnsupported', message, {
    hint: 'Quantize with scales in float16.',
    details: { module },
  });
}

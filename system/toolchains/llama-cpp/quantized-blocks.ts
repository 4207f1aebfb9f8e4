import { BuildFailure } from '../../../core/domain/failures.ts';
import { convertFloats, type GgufFloatType } from '../../../core/formats/gguf/convert-floats.ts';
import type { TensorContent } from '../../../core/formats/gguf/model-plan.ts';
import { halfScales, packBlocks } from '../../../core/formats/gguf/pack-blocks.ts';
import { interleaveHeads } from '../../../core/formats/gguf/permute-rows.ts';
import { decodeRows } from '../../../core/formats/quantized/decode-rows.ts';
import type { QuantizedLinear } from '../../../core/formats/quantized/quantized-linear.ts';
import type { RowRange } from '../../../core/formats/quantized/unpack-codes.ts';
import type { OpenFiles } from './input-files.ts';
import { openLinear } from './open-linear.ts';

type BlockContent = Extract<TensorContent, { kind: 'blocks' }>;
type DecodedContent = Extract<TensorContent, { kind: 'decoded' }>;

// Enough that a read costs nothing beside the packing, small enough that memory does not depend on the model.
const chunkCodes = 1 << 20;

/** A quantized linear as ggml's blocks, some rows at a time. Throws WeightsCorrupt. */
export async function* blocksOf(content: BlockContent, inputs: OpenFiles): AsyncGenerator<Uint8Array> {
  const { linear, type, interleavedRows } = content;
  const { shared, codesOf } = await openLinear(linear, inputs);
  const halves = halfScales(shared.scales);
  if (halves === undefined) throw new TypeError(`${linear.module} has other scales than were planned`);
  const groups = halves.length / linear.rows;
  for (const range of rangesOf(content)) {
    const { first, rows } = range;
    const scales = halves.subarray(first * groups, (first + rows) * groups);
    const codes = new Int8Array(await codesOf(range));
    yield inOrder(
      packBlocks(type, { rows, columns: linear.columns, codes, scales, groups }),
      rows,
      interleavedRows,
    );
  }
}

/**
 * A quantized linear as the floats that its codes stand for, some rows at a time. Throws WeightsCorrupt for values that
 * are not finite, WeightsUnsupported for those beyond the range of the type.
 */
export async function* floatsOf(
  content: DecodedContent,
  inputs: OpenFiles,
  type: GgufFloatType,
): AsyncGenerator<Uint8Array> {
  const { linear, interleavedRows } = content;
  const { shared, codesOf } = await openLinear(linear, inputs);
  for (const range of rangesOf(content)) {
    const values = decodeRows(linear, shared, { first: range.first, codes: await codesOf(range) });
    if (!areFinite(values)) throw notFinite(linear);
    const { bytes, overflowed } = convertFloats(new Uint8Array(values.buffer), 'F32', type);
    if (overflowed > 0) throw outOfRange(linear, type);
    yield inOrder(bytes, range.rows, interleavedRows);
  }
}

/** A loop, because `every` costs as much as all the rest. */
function areFinite(values: Float32Array): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false;
  return true;
}

/** Whole heads when rows change places. */
function* rangesOf({ linear, interleavedRows }: BlockContent | DecodedContent): Generator<RowRange> {
  const unit = interleavedRows ?? 1;
  const most = Math.max(1, Math.floor(chunkCodes / linear.columns / unit)) * unit;
  for (let first = 0; first < linear.rows; first += most)
    yield { first, rows: Math.min(most, linear.rows - first) };
}

function inOrder(bytes: Uint8Array, rows: number, interleavedRows: number | undefined): Uint8Array {
  return interleavedRows === undefined ? bytes : interleaveHeads(bytes, interleavedRows, bytes.length / rows);
}

function notFinite({ module }: QuantizedLinear): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `${module} has values that are no finite numbers`, {
    details: { module },
  });
}

function outOfRange({ module }: QuantizedLinear, type: GgufFloatType): BuildFailure {
  return new BuildFailure('WeightsUnsupported', `${module} has values beyond the range of ${type}`, {
    hint: 'Choose bfloat16 or float32 for the checkpoint.',
    details: { module },
  });
}

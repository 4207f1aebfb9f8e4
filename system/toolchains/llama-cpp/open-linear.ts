import { convertFloats } from '../../../core/formats/gguf/convert-floats.ts';
import {
  e4m3Values,
  nvfp4Steps,
  type SharedParts,
  splitPairs,
} from '../../../core/formats/quantized/decode-rows.ts';
import { readGroupIndex } from '../../../core/formats/quantized/group-index.ts';
import type {
  IntegerLinear,
  Nvfp4Linear,
  QuantizedLinear,
} from '../../../core/formats/quantized/quantized-linear.ts';
import { groupsOf } from '../../../core/formats/quantized/stored-form.ts';
import {
  isRowMajor,
  type RowRange,
  unpackCodes,
  unpackZeros,
} from '../../../core/formats/quantized/unpack-codes.ts';
import { isFloatDtype, type WeightTensor } from '../../../core/formats/tensor.ts';
import { type OpenFiles, readAll } from './input-files.ts';

/** A quantized linear with its small parts read; its codes come some rows at a time. */
export interface OpenLinear {
  readonly shared: SharedParts;
  /** [range.rows, columns], row-major. */
  readonly codesOf: (range: RowRange) => Promise<Int8Array | Uint8Array>;
}

/**
 * Opens a linear for reading. Codes that run across the rows (gptq, awq) are held whole as they are packed, so that memory
 * depends on one matrix and not on the model. Throws WeightsCorrupt when a file ends early or a group does not exist.
 */
export async function openLinear(linear: QuantizedLinear, inputs: OpenFiles): Promise<OpenLinear> {
  const shared = await readShared(linear, inputs);
  const { codes } = linear;
  if (linear.kind === 'integer' && !isRowMajor(linear.layout)) {
    const packed = await readTensor(codes, inputs);
    return { shared, codesOf: (range) => Promise.resolve(unpackCodes(packed, linear, range)) };
  }
  const rowBytes = codes.bytes / linear.rows;
  return {
    shared,
    async codesOf(range) {
      const offset = codes.offset + range.first * rowBytes;
      const handle = await inputs.open(codes.file);
      const bytes = await readAll(handle, { offset, bytes: range.rows * rowBytes }, codes.file);
      if (linear.kind === 'integer') return unpackCodes(bytes, linear, range);
      return linear.kind === 'nvfp4' ? splitPairs(bytes) : bytes;
    },
  };
}

async function readShared(linear: QuantizedLinear, inputs: OpenFiles): Promise<SharedParts> {
  const scales = await readScales(linear.scales, inputs);
  if (linear.kind === 'fp8') return { scales };
  if (linear.kind === 'nvfp4') return { scales: await readSteps(linear, scales, inputs) };
  const zeros = await readZeros(linear, inputs);
  const groupIndex = await readOrder(linear, inputs);
  return {
    scales: isRowMajor(linear.layout) ? scales : transpose(scales, linear.rows),
    ...(zeros === undefined ? {} : { zeros }),
    ...(groupIndex === undefined ? {} : { groupIndex }),
  };
}

/** As they are stored, in single precision. */
export async function readScales(tensor: WeightTensor, inputs: OpenFiles): Promise<Float32Array> {
  const bytes = await readTensor(tensor, inputs);
  // Of NVFP4; the readers let no other dtype through.
  if (!isFloatDtype(tensor.dtype)) return Float32Array.from(bytes, (byte) => e4m3Values[byte] ?? Number.NaN);
  const singles = convertFloats(bytes, tensor.dtype, 'F32').bytes;
  return new Float32Array(singles.buffer, singles.byteOffset, singles.byteLength / 4);
}

async function readSteps(
  linear: Nvfp4Linear,
  scales: Float32Array,
  inputs: OpenFiles,
): Promise<Float32Array> {
  const [tensorScale = Number.NaN] = await readScales(linear.tensorScale, inputs);
  return nvfp4Steps(linear, scales, tensorScale);
}

/** Signed zero points [rows, groups], or undefined when the linear has none. */
export async function readZeros(linear: IntegerLinear, inputs: OpenFiles): Promise<Int8Array | undefined> {
  if (linear.zeros === undefined) return undefined;
  const packed = await readTensor(linear.zeros, inputs);
  return unpackZeros(packed, linear, groupsOf(linear.columns, linear.group));
}

/** The group of each column, or undefined when they are in order. */
export async function readOrder(linear: IntegerLinear, inputs: OpenFiles): Promise<Int32Array | undefined> {
  if (linear.groupIndex === undefined) return undefined;
  return readGroupIndex(await readTensor(linear.groupIndex, inputs), linear);
}

async function readTensor({ file, offset, bytes }: WeightTensor, inputs: OpenFiles): Promise<Uint8Array> {
  return readAll(await inputs.open(file), { offset, bytes }, file);
}

/** [groups, rows] → [rows, groups]. */
function transpose(values: Float32Array, rows: number): Float32Array {
  const groups = values.length / rows;
  const turned = new Float32Array(values.length);
  for (let group = 0; group < groups; group += 1)
    for (let row = 0; row < rows; row += 1)
      turned[row * groups + group] = values[group * rows + row] ?? Number.NaN;
  return turned;
}

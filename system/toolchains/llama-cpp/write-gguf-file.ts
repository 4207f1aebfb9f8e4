import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { convertFloats, type GgufFloatType } from '../../../core/formats/gguf/convert-floats.ts';
import { padded, type PlacedTensor } from '../../../core/formats/gguf/layout.ts';
import type { GgufPlan, TensorContent } from '../../../core/formats/gguf/model-plan.ts';
import { interleaveHeads } from '../../../core/formats/gguf/permute-rows.ts';
import { dtypeBits } from '../../../core/formats/tensor.ts';
import { blocksOf, floatsOf } from './quantized-blocks.ts';
import { OpenFiles, readAll, type Chunk } from './input-files.ts';
import { asStoreFailure, syncFolder } from '../../files/atomic-write.ts';

// Large enough that a read costs nothing beside the copy, small enough that memory does not depend on the model.
const chunkBytes = 1 << 20;

/**
 * Writes a planned GGUF file in pieces of about one MiB, whatever the size of its tensors. The file appears under its name
 * only when it is complete and on the disk. Throws WeightsCorrupt when a source is shorter than planned, WeightsUnsupported
 * when a value leaves the range of the output type, DiskFull and StoreUnwritable.
 */
export async function writeGgufFile(plan: GgufPlan, outFile: string, scope: EffectScope): Promise<void> {
  const temporary = `${outFile}.${randomUUID()}.tmp`;
  try {
    const out = await open(temporary, 'wx');
    const inputs = new OpenFiles();
    try {
      await writeAll(out, plan.layout.header, 0);
      for (const [index, tensor] of plan.layout.tensors.entries()) {
        scope.onProgress({ fraction: tensor.offset / plan.layout.bytes, note: tensor.name });
        const content = plan.contents[index];
        if (content !== undefined) await writeTensor({ out, inputs, tensor, content }, scope.signal);
      }
      await out.sync();
    } finally {
      await inputs.close();
      await out.close();
    }
    await rename(temporary, outFile);
    await syncFolder(dirname(outFile));
  } catch (error) {
    await rm(temporary, { force: true });
    throw asStoreFailure(error, outFile);
  }
  scope.onProgress({ fraction: 1 });
}

interface TensorWrite {
  readonly out: FileHandle;
  readonly inputs: OpenFiles;
  readonly tensor: PlacedTensor;
  readonly content: TensorContent;
}

async function writeTensor(
  { out, inputs, tensor, content }: TensorWrite,
  signal: AbortSignal,
): Promise<void> {
  let at = tensor.offset;
  if (content.kind === 'literal') {
    await writeAll(out, bytesOf(content.values), at);
    at += content.values.byteLength;
  } else if (content.kind !== 'file') {
    const parts =
      content.kind === 'blocks'
        ? blocksOf(content, inputs)
        : floatsOf(content, inputs, tensor.type as GgufFloatType);
    for await (const bytes of parts) {
      signal.throwIfAborted();
      await writeAll(out, bytes, at);
      at += bytes.length;
    }
  } else {
    const input = await inputs.open(content.source.file);
    for (const chunk of chunksOf(content)) {
      signal.throwIfAborted();
      const source = await readAll(input, chunk, content.source.file);
      const bytes = convert(source, content, tensor);
      await writeAll(out, bytes, at);
      at += bytes.length;
    }
  }
  const padding = padded(tensor.bytes) - tensor.bytes;
  if (padding > 0) await writeAll(out, new Uint8Array(padding), at);
}

type FileContent = Extract<TensorContent, { kind: 'file' }>;

/** Whole heads when rows change places, else whole items. */
function* chunksOf({ source, interleavedRows }: FileContent): Generator<Chunk> {
  const step = interleavedRows === undefined ? chunkBytes : wholeHeads(interleavedRows * rowBytesOf(source));
  for (let at = 0; at < source.bytes; at += step) {
    yield { offset: source.offset + at, bytes: Math.min(step, source.bytes - at) };
  }
}

function wholeHeads(headBytes: number): number {
  return Math.max(1, Math.floor(chunkBytes / headBytes)) * headBytes;
}

function rowBytesOf({ dtype, shape }: FileContent['source']): number {
  const rowItems = shape.length > 1 ? (shape.at(-1) ?? 1) : 1;
  return (rowItems * dtypeBits[dtype]) / 8;
}

function convert(
  bytes: Uint8Array,
  { source, interleavedRows }: FileContent,
  tensor: PlacedTensor,
): Uint8Array {
  const rows =
    interleavedRows === undefined ? bytes : interleaveHeads(bytes, interleavedRows, rowBytesOf(source));
  const converted = convertFloats(rows, source.dtype, tensor.type as GgufFloatType);
  if (converted.overflowed === 0) return converted.bytes;
  throw new BuildFailure(
    'WeightsUnsupported',
    `tensor ${source.name} has values beyond the range of ${tensor.type}`,
    {
      hint: 'Choose bfloat16 or float32 for the checkpoint.',
      details: { tensor: source.name, values: converted.overflowed },
    },
  );
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

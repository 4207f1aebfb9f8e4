import { readFile, writeFile } from 'node:fs/promises';

/** Weights of its own: the bits `by` of the last item are turned over. */
export async function changeLastByte(file: string, by: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ by;
  await writeFile(file, bytes);
}

/** An adapter of twice the rank for layers with half as many inputs and outputs as the sample's have. */
export function withHalvedSides(file: Buffer): Buffer {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString('utf8')) as Record<
    string,
    { shape?: number[] }
  >;
  for (const [name, { shape }] of Object.entries(header)) {
    if (shape?.[0] === undefined || shape[1] === undefined) continue;
    // The same bytes in other rows: the file stays valid, the shapes are another model's.
    const [rows, columns] = name.includes('lora_A') ? [2, 0.5] : [0.5, 2];
    header[name] = { ...header[name], shape: [shape[0] * rows, shape[1] * columns] };
  }
  const text = Buffer.from(JSON.stringify(header).padEnd(length));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, file.subarray(8 + length)]);
}

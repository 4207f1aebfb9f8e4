import { readFile, writeFile } from 'node:fs/promises';

/** Weights of its own: the bits `by` of the last item are turned over. */
export async function changeLastByte(file: string, by: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ by;
  await writeFile(file, bytes);
}

/** An adapter whose A matrices expect half as many inputs as the sample's layers have. */
export function withHalvedColumns(file: Buffer): Buffer {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString('utf8')) as Record<
    string,
    { shape?: number[] }
  >;
  for (const [name, { shape }] of Object.entries(header)) {
    // The same bytes read as twice as many rows: the file stays valid, the shape is another model's.
    if (name.includes('lora_A') && shape?.[0] !== undefined && shape[1] !== undefined)
      header[name] = { ...header[name], shape: [shape[0] * 2, shape[1] / 2] };
  }
  const text = Buffer.from(JSON.stringify(header).padEnd(length));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, file.subarray(8 + length)]);
}

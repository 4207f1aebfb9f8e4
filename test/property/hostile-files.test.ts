import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isBuildFailure } from '../../core/domain/failures.ts';
import type { ByteSource } from '../../core/formats/byte-source.ts';
import { layOutGguf } from '../../core/formats/gguf/layout.ts';
import { f32s, text, texts, u32 } from '../../core/formats/gguf/metadata.ts';
import { readGguf } from '../../core/formats/gguf/read-gguf.ts';
import { readSafetensorsHeader } from '../../core/formats/safetensors/read-header.ts';
import { parseSentencePieceModel } from '../../core/formats/tokenizer/sentencepiece-model.ts';
import { readTorchFile } from '../../core/formats/torch/read-torch-file.ts';
import { readZipRecords } from '../../core/formats/torch/read-zip.ts';
import { sentencePieceModel } from '../fixtures/gguf/tiny-tokenizers.ts';
import { damagedBytes, fuzzRuns, slowReadMs } from '../fixtures/hostile/damage.ts';
import { concat, memorySource, safetensorsFile } from '../fixtures/weights/memory-source.ts';
import { stateDict, tensor, torchZip } from '../fixtures/weights/pickles.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/torch', name)));
const gguf = layOutGguf(
  [
    ['general.architecture', text('llama')],
    ['tokens', texts(['a', 'b'])],
    ['scores', f32s([1, 2])],
    ['count', u32(3)],
  ],
  [{ name: 'a', type: 'F16', shape: [4, 8] }],
);

type Reader = (source: ByteSource) => Promise<unknown>;
const readers: readonly (readonly [name: string, seed: Uint8Array, read: Reader])[] = [
  [
    'safetensors',
    safetensorsFile(
      '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}',
      4,
    ),
    readSafetensorsHeader,
  ],
  ['zip', torchZip(stateDict('w', tensor())), readZipRecords],
  ['torch zip of ours', torchZip(stateDict('w', tensor())), (source) => readTorchFile(source)],
  ['torch zip of torch', fixture('zip.bin'), (source) => readTorchFile(source)],
  ['torch legacy', fixture('legacy.bin'), (source) => readTorchFile(source)],
  ['torch checkpoint', fixture('checkpoint.bin'), (source) => readTorchFile(source, 'state_dict')],
  ['gguf', concat(gguf.header, new Uint8Array(gguf.bytes - gguf.header.length)), readGguf],
  [
    'SentencePiece',
    sentencePieceModel(),
    async (source) => parseSentencePieceModel(await source.read(0, source.bytes)),
  ],
];

async function endsProperly(reading: Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await reading.catch((error: unknown) => {
    if (!isBuildFailure(error)) throw error;
  });
  expect(performance.now() - begun).toBeLessThan(slowReadMs);
}

describe.each(readers)('the reader of %s files', (_, seed, read) => {
  it('takes what it is made for', async () => {
    await expect(read(memorySource(seed, '/x.bin'))).resolves.toBeDefined();
  });

  it.each([
    ['random bytes', fc.uint8Array({ maxLength: 400 })],
    [
      'random bytes behind a true beginning',
      fc.uint8Array({ maxLength: 400 }).map((rest) => concat(seed.slice(0, 16), rest)),
    ],
    ['a damaged file', damagedBytes(seed)],
  ])('gives a value or a named failure for %s', async (_kind, files) => {
    await fc.assert(
      fc.asyncProperty(files, (file) => endsProperly(read(memorySource(file, '/x.bin')))),
      fuzzRuns(400),
    );
  });
});

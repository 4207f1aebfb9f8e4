import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GgufValue } from '../../core/formats/gguf/metadata.ts';
import { readGgufFile } from '../../system/toolchains/llama-cpp/read-gguf-file.ts';
import { type GgufOutType, writeGguf } from '../../system/toolchains/llama-cpp/write-gguf.ts';
import { readModelConfig } from '../../system/toolchains/llama-cpp/read-model-folder.ts';
import { writeLoraGguf } from '../../system/toolchains/llama-cpp/write-lora-gguf.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import oracle from '../fixtures/gguf/oracle.json' with { type: 'json' };
import { tinyModels } from '../fixtures/gguf/tiny-models.ts';
import { writeTinyModel } from '../fixtures/gguf/write-tiny-model.ts';

// Names for people, guessed by the converter from folder names and model cards, and a key for pairs of texts.
const cosmetic =
  /^general\.(name|size_label|basename|finetune|license|languages|tags|version|base_model\..*)$|^tokenizer\.ggml\.add_sep_token$/;

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const sample = join(import.meta.dirname, '../../examples/sample');
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'gguf-conformity-'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe("a model's GGUF file equals the one of llama.cpp's own converter", () => {
  it.each(Object.entries(oracle.models))('%s', async (key, expected) => {
    const [id = '', outType = ''] = key.split(' ');
    const model = tinyModels.find((entry) => entry.id === id);
    const modelFolder =
      model === undefined ? join(sample, id) : await writeTinyModel(model, join(scratch, id));
    const outFile = join(scratch, `${id}-${outType}.gguf`);
    const { tensors } = await openWeights(modelFolder);

    const written = await writeGguf(
      { modelFolder, tensors, outFile, outType: outType as GgufOutType },
      scope,
    );

    const found = await describeFile(outFile);
    expect(found.tensors).toEqual(expected.tensors);
    expect(found.metadata).toEqual(withoutCosmetic(expected.metadata));
    expect(written.tensors).toBe(Object.keys(expected.tensors).length);
    expect(written.bytes).toBe(found.bytes);
  });
});

describe("a run-time adapter equals the one of llama.cpp's own converter", () => {
  it.each(Object.entries(oracle.adapters))('%s', async (name, expected) => {
    const adapterFolder = join(sample, name);
    const outFile = join(scratch, `${name}.gguf`);
    const { tensors } = await openWeights(adapterFolder, { prefer: 'adapter' });
    const baseConfig = await readModelConfig(join(sample, 'sample-llama'));

    await writeLoraGguf({ adapterFolder, tensors, baseConfig, outFile }, scope);

    const found = await describeFile(outFile);
    // The converter leaves the file type out of adapters; ours is always there.
    const { 'general.file_type': fileType, ...metadata } = found.metadata;
    expect(found.tensors).toEqual(expected.tensors);
    expect(metadata).toEqual(withoutCosmetic(expected.metadata));
    expect(fileType).toEqual({ type: ['uint32'], value: 0 });
  });
});

it('covers every tiny model in every type it names', () => {
  const asked = tinyModels.flatMap(({ id, outTypes }) => outTypes.map((type) => `${id} ${type}`));

  expect(Object.keys(oracle.models)).toEqual(expect.arrayContaining(asked));
});

function withoutCosmetic(metadata: object): object {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !cosmetic.test(key)));
}

async function describeFile(path: string) {
  const file = await readGgufFile(path);
  const bytes = await readFile(path);
  const tensors = Object.fromEntries(
    file.tensors.map(({ name, type, shape, offset, bytes: size }) => [
      name,
      { type, shape, sha256: sha256(bytes.subarray(offset, offset + size)) },
    ]),
  );
  const metadata: Record<string, unknown> = {};
  for (const [key, value] of file.metadata) if (!cosmetic.test(key)) metadata[key] = describeValue(value);
  return { tensors, metadata, bytes: bytes.length };
}

const oracleTypes: Record<string, string> = {
  u32: 'uint32',
  i32: 'int32',
  f32: 'float32',
  bool: 'bool',
  string: 'string',
  array: 'array',
};

function describeValue(value: GgufValue) {
  if (value.type !== 'array') return { type: [oracleTypes[value.type]], value: value.value };
  const items = value.value.map((item) =>
    value.of === 'f32' ? pythonFloat(Number(item)) : JSON.stringify(item),
  );
  return {
    type: ['array', oracleTypes[value.of]],
    value: { length: items.length, sha256: sha256(`[${items.join(',')}]`) },
  };
}

/** As Python's json writes the scores, which are whole numbers. */
function pythonFloat(value: number): string {
  return Object.is(value, -0) ? '-0.0' : `${value}.0`;
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

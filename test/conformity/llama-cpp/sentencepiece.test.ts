import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LlamaSession, startLlamaSession } from '../../../system/toolchains/llama-cpp/session.ts';
import { writeGguf } from '../../../system/toolchains/llama-cpp/write-gguf.ts';
import { openWeights } from '../../../system/weights/open-weights.ts';
import goldens from '../../fixtures/gguf/tokenizers.json' with { type: 'json' };
import { tinyModels } from '../../fixtures/gguf/tiny-models.ts';
import { writeTinyModel } from '../../fixtures/gguf/write-tiny-model.ts';
import { openParams } from '../../fixtures/llama-session.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
let folder = '';
let session: LlamaSession;
let engine = 0;

/** The tiny SentencePiece model as our GGUF file, opened by llama.cpp. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sentencepiece-'));
  const model = tinyModels.find(({ id }) => id === 'llama-sentencepiece');
  if (model === undefined) throw new Error('there is no tiny model with a SentencePiece vocabulary');
  const modelFolder = await writeTinyModel(model, join(folder, model.id));
  const outFile = join(folder, 'model.gguf');
  const { tensors } = await openWeights(modelFolder);
  await writeGguf({ modelFolder, tensors, outFile, outType: 'f16' }, scope);
  session = await startLlamaSession({ logFile: join(folder, 'llama.log') }, scope);
  ({ engine } = await session.request('open', openParams(outFile, { contextTokens: 128 })));
});

afterAll(async () => {
  await session?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a SentencePiece vocabulary in our GGUF file', () => {
  it.each(goldens.sentencePiece.texts)(
    'gives $text the ids of SentencePiece itself',
    async ({ text, ids }) => {
      const bare = { addSpecial: false, parseSpecial: false };

      const { tokens } = await session.request('tokenize', { engine, text, ...bare });

      expect(tokens).toEqual(ids);
    },
  );

  it('begins a text with BOS as tokenizer_config.json says', async () => {
    const { tokens } = await session.request('tokenize', {
      engine,
      text: 'the',
      addSpecial: true,
      parseSpecial: false,
    });

    expect(tokens).toEqual([1, 261]);
  });
});
